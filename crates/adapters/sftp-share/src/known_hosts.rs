//! The files in which OpenSSH keeps host keys (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::PublicKey;
use russh::keys::ssh_key::known_hosts::HostPatterns;
use sha1::Sha1;

use crate::reach::DEFAULT_PORT;

/// What the files say of one host.
#[derive(Debug, Default)]
pub(crate) struct HostEntries {
    pub(crate) entries: Vec<HostEntry>,
}

/// A line about the host.
#[derive(Debug)]
pub(crate) struct HostEntry {
    pub(crate) meaning: Meaning,
    pub(crate) key: PublicKey,
    /// The file and the number of the line.
    pub(crate) place: String,
}

/// What a line says of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is the host's.
    Key,
    /// It is the host's on the standard port, and this is another port.
    KeyOfOtherPort,
    /// It signs the host's keys.
    Authority,
    /// It must not be used.
    Revoked,
}

impl HostEntries {
    /// Adds what a file says. A line that cannot be understood says nothing.
    pub(crate) fn read(&mut self, text: &str, file: &str, host: &str, port: u16) {
        for (number, line) in (1..).zip(text.lines()) {
            let place = format!("{file}, line {number}");
            self.entries.extend(entry(line, place, host, port));
        }
    }

    /// The entries with the keys that the host may have. As OpenSSH does, those of the standard port count only when no
    /// line is about the port that is meant.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &HostEntry> {
        let own = self.entries.iter().any(|entry| entry.meaning == Meaning::Key);
        let meant = if own {
            Meaning::Key
        } else {
            Meaning::KeyOfOtherPort
        };
        self.entries.iter().filter(move |entry| entry.meaning == meant)
    }
}

fn entry(line: &str, place: String, host: &str, port: u16) -> Option<HostEntry> {
    let mut fields = line.split_ascii_whitespace();
    let mut first = fields.next()?;
    let mut meaning = Meaning::Key;
    if first.starts_with('@') {
        meaning = match first {
            "@revoked" => Meaning::Revoked,
            "@cert-authority" => Meaning::Authority,
            _ => return None,
        };
        first = fields.next()?;
    }
    let patterns: HostPatterns = first.parse().ok()?;
    let (kind, key) = (fields.next()?, fields.next()?);
    let key = PublicKey::from_openssh(&format!("{kind} {key}")).ok()?;
    let standard = port == DEFAULT_PORT;
    let name = if standard {
        host.to_owned()
    } else {
        format!("[{host}]:{port}")
    };
    if matches(&patterns, &name) {
        return Some(HostEntry { meaning, key, place });
    }
    // As OpenSSH does, a line for the host without a port may serve for its other ports too.
    if !standard && matches(&patterns, host) {
        let meaning = if meaning == Meaning::Key {
            Meaning::KeyOfOtherPort
        } else {
            meaning
        };
        return Some(HostEntry { meaning, key, place });
    }
    None
}

fn matches(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
            .is_ok_and(|hmac| hmac.chain_update(name).verify_slice(hash).is_ok()),
        HostPatterns::Patterns(patterns) => {
            let denied = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!'));
            let mut allowed = patterns.iter().filter(|pattern| !pattern.starts_with('!'));
            !denied.into_iter().any(|pattern| fits(pattern, name))
                && allowed.any(|pattern| fits(pattern, name))
        }
    }
}

/// Whether a name fits a pattern, in which `*` stands for any characters and `?` for one.
fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let (mut at, mut seen) = (0, 0);
    // Where the last star was, and how much of the name it stands for.
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    at = after + 1;
                    seen = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn meanings(text: &str, host: &str, port: u16) -> Vec<Meaning> {
        let mut entries = HostEntries::default();
        entries.read(text, "file", host, port);
        entries.entries.iter().map(|entry| entry.meaning).collect()
    }

    #[test]
    fn names_patterns_and_ports_are_matched_as_openssh_does() {
        let says =
            |hosts: &str, host: &str, port: u16| meanings(&format!("{hosts} {KEY} comment"), host, port);
        assert_eq!(says("nas.example", "nas.example", 22), [Meaning::Key]);
        assert_eq!(says("NAS.Example", "nas.example", 22), [Meaning::Key]);
        assert_eq!(says("a,nas.example,10.0.0.1", "10.0.0.1", 22), [Meaning::Key]);
        assert_eq!(says("[nas.example]:2222", "nas.example", 2222), [Meaning::Key]);
        assert_eq!(says("[nas.example]:2222", "nas.example", 22), []);
        assert_eq!(says("[nas.example]:2222", "nas.example", 2223), []);
        assert_eq!(
            says("nas.example", "nas.example", 2222),
            [Meaning::KeyOfOtherPort]
        );
        assert_eq!(says("*.example,!evil.example", "nas.example", 22), [Meaning::Key]);
        assert_eq!(says("*.example,!evil.example", "evil.example", 22), []);
        assert_eq!(says("!evil.example", "nas.example", 22), []);
        assert_eq!(says("na?.ex*e", "nas.example", 22), [Meaning::Key]);
        assert_eq!(says("na?.ex*e", "na.example", 22), []);
        assert_eq!(says("*", "nas.example", 22), [Meaning::Key]);
        assert_eq!(says("[::1]:2222", "::1", 2222), [Meaning::Key]);
    }

    #[test]
    fn markers_are_understood_and_what_is_not_says_nothing() {
        let says = |line: &str| meanings(line, "nas", 22);
        assert_eq!(says(&format!("@revoked nas {KEY}")), [Meaning::Revoked]);
        assert_eq!(says(&format!("@cert-authority nas {KEY}")), [Meaning::Authority]);
        for line in [
            format!("@unheard-of nas {KEY}"),
            format!("# nas {KEY}"),
            format!("@revoked {KEY}"),
            "nas ssh-ed25519".to_owned(),
            "nas ssh-ed25519 AAAAnonsense".to_owned(),
            // The name of the kind and the key do not agree.
            KEY.replace("ssh-ed25519", "nas ecdsa-sha2-nistp256"),
            format!("|1|nonsense {KEY}"),
            format!("|1|AAAA|AAAA {KEY}"),
            String::new(),
        ] {
            assert_eq!(says(&line), [], "{line}");
        }
        assert_eq!(
            says(&format!("\tnas  {KEY}")),
            [Meaning::Key],
            "blanks of any kind"
        );
    }
}
