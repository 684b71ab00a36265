mod files;

use std::net::IpAddr;
use std::time::Duration;

use keystead_domain::Timestamp;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType,
};
use time::OffsetDateTime;
use zeroize::{Zeroize, Zeroizing};

use crate::ListenError;
use crate::tls::fingerprint;

pub use files::{SelfSignedFiles, write_self_signed};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Clients whose clock is behind take it too.
const EARLIER: Duration = DAY;
/// It is trusted because somebody compared its fingerprint, not because of a date, and a new one has to be compared again by
/// everybody. So it is valid as long as any client takes: Apple's refuse server certificates of more than 825 days, also those
/// that somebody has chosen to trust (<https://support.apple.com/en-us/103769>).
const VALID: Duration = Duration::from_secs(825 * 24 * 60 * 60);
const MAX_NAMES: usize = 100;

/// A certificate that no authority signed, and its private key.
pub struct SelfSigned {
    /// The certificate, as PEM.
    pub certificate: String,
    /// The private key, as PEM of PKCS#8.
    pub private_key: Zeroizing<String>,
}

/// Makes a certificate for a server that is called so: names of the DNS, and IP addresses. The key is ECDSA on P-256, new,
/// and the serial number follows from it. It is valid for 825 days, a day of which lies before `now`.
///
/// # Errors
/// [`ListenError::Certificate`] when a name is none, or there is none or more than 100.
pub fn self_signed(names: &[String], now: Timestamp) -> Result<SelfSigned, ListenError> {
    let mut params = params(names, now)?;
    let mut key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
    // No two have the same name: who believes another one is told that this one is unknown, and not that it is broken.
    let of_key = fingerprint(key.public_key_raw());
    let name = format!("Keystead {}", of_key.get(..16).unwrap_or_default());
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).map_err(not_made);
    let private_key = Zeroizing::new(key.serialize_pem());
    key.zeroize();
    Ok(SelfSigned {
        certificate: certificate?.pem(),
        private_key,
    })
}

fn params(names: &[String], now: Timestamp) -> Result<CertificateParams, ListenError> {
    if names.is_empty() || names.len() > MAX_NAMES {
        return Err(ListenError::Certificate {
            why: format!("it is for {} names", names.len()),
            fix: "name 1 to 100 host names and IP addresses that clients connect to",
        });
    }
    let begin = now.before(EARLIER);
    let mut params = CertificateParams::default();
    params.not_before = moment(begin)?;
    params.not_after = moment(begin.after(VALID))?;
    params.subject_alt_names = names.iter().map(|name| of_name(name)).collect::<Result<_, _>>()?;
    params.distinguished_name = DistinguishedName::new();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn moment(time: Timestamp) -> Result<OffsetDateTime, ListenError> {
    OffsetDateTime::from_unix_timestamp(time.as_micros().div_euclid(1_000_000)).map_err(|e| {
        ListenError::Certificate {
            why: e.to_string(),
            fix: "set the clock of this machine",
        }
    })
}

/// An IPv6 address may have its brackets.
fn of_name(name: &str) -> Result<SanType, ListenError> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(name).parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let not_a_name = || ListenError::Certificate {
        why: format!("{name:?} is neither a host name nor an IP address"),
        fix: "name hosts as in the DNS (letters, digits, dashes and dots; others as xn--…), or by IP address",
    };
    match is_host_name(name) {
        true => name.try_into().map(SanType::DnsName).map_err(|_| not_a_name()),
        false => Err(not_a_name()),
    }
}

/// A name of the DNS as RFC 1123 writes hosts, with `*` as its first label at most.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let rest = name.strip_prefix("*.").unwrap_or(name);
    // What ends in a number would be an IP address that is written wrong.
    let ends_in_a_number = rest
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && rest.split('.').all(is_label) && !ends_in_a_number
}

fn not_made(error: rcgen::Error) -> ListenError {
    ListenError::Certificate {
        why: error.to_string(),
        fix: "try again; if it happens again, report it",
    }
}
