use std::net::IpAddr;

/// Whether a host is this machine, so that nobody else is on the way. An IPv6 address may have its brackets.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "nas", "10.0.0.1", "localhost.example.org", "[2001:db8::1]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
