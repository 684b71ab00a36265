//! The named shares.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use keystead_application::ports::{ConfiguredShare, ShareAddress, SharePath, SharePatience};

use super::{MAX_SECONDS, SecretSetting, secret};

/// A share, and where its password comes from.
pub(crate) struct ShareSettings {
    pub(crate) share: ConfiguredShare,
    pub(crate) password: SecretSetting,
}

type Values = BTreeMap<String, String>;

pub(super) fn settle(shares: BTreeMap<String, Values>) -> anyhow::Result<Vec<ShareSettings>> {
    let settled = shares
        .into_iter()
        .map(|(name, values)| settle_one(&name, values).with_context(|| format!("shares.{name}")));
    settled.collect()
}

fn settle_one(name: &str, mut values: Values) -> anyhow::Result<ShareSettings> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        bail!("the name of a share is made of small letters, digits, - and _");
    }
    let url = take(&mut values, "url").ok_or_else(|| anyhow!("there is no url"))?;
    let address = ShareAddress::parse(&url).map_err(|error| anyhow!("url: {error}"))?;
    let folder = SharePath::new(take(&mut values, "folder").unwrap_or_default());
    let folder = folder.names("read the configuration");
    let folder = folder.map_err(|error| anyhow!("folder: {error}"))?;
    let address = ShareAddress {
        ends_in_slash: false,
        ..address.below(&folder)
    };
    let default = SharePatience::default();
    let seconds =
        |values: &mut Values, name: &str, least: u64, default: Duration| -> anyhow::Result<Duration> {
            match parsed::<u64>(values, name)? {
                None => Ok(default),
                Some(seconds) if (least..=MAX_SECONDS).contains(&seconds) => Ok(Duration::from_secs(seconds)),
                Some(seconds) => bail!("{name} is {seconds}; {least} to {MAX_SECONDS} is accepted"),
            }
        };
    let patience = SharePatience {
        answer: seconds(&mut values, "timeout_seconds", 1, default.answer)?,
        retry: seconds(&mut values, "retry_seconds", 0, default.retry)?,
    };
    let password = take(&mut values, "password").unwrap_or_default();
    let password_file = take(&mut values, "password_file").unwrap_or_default();
    Ok(ShareSettings {
        password: secret(&format!("shares.{name}.password"), password, password_file)?,
        share: ConfiguredShare {
            name: name.to_owned(),
            username: take(&mut values, "username"),
            read_only: parsed(&mut values, "read_only")?.unwrap_or(false),
            address,
            patience,
            settings: values,
        },
    })
}

/// A value that is set to something.
fn take(values: &mut Values, name: &str) -> Option<String> {
    values.remove(name).filter(|value| !value.is_empty())
}

fn parsed<T: FromStr>(values: &mut Values, name: &str) -> anyhow::Result<Option<T>> {
    let Some(value) = take(values, name) else {
        return Ok(None);
    };
    match value.parse() {
        Ok(parsed) => Ok(Some(parsed)),
        Err(_) => bail!("{name} cannot be \"{value}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(values: &[(&str, &str)]) -> anyhow::Result<ShareSettings> {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settled = settle(BTreeMap::from([("nas".to_owned(), values.collect())]))?;
        Ok(settled.remove(0))
    }

    #[test]
    fn a_share_has_what_it_says_and_defaults_for_the_rest() {
        let ShareSettings { share, password } = share(&[
            ("url", "smb://nas/escrow/"),
            ("folder", "/keys/2026/"),
            ("username", "backup"),
            ("password", "quiet"),
            ("read_only", "true"),
            ("retry_seconds", "0"),
            ("domain", "OFFICE"),
        ])
        .unwrap();
        assert_eq!(share.address.to_string(), "smb://nas/escrow/keys/2026");
        assert!(share.read_only && share.username.as_deref() == Some("backup"));
        assert_eq!(share.patience.retry, Duration::ZERO);
        assert_eq!(share.patience.answer, SharePatience::default().answer);
        assert_eq!(
            share.settings,
            BTreeMap::from([("domain".to_owned(), "OFFICE".to_owned())])
        );
        assert!(matches!(password, SecretSetting::Given(_)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (values, part) in [
            (&[("username", "x")][..], "there is no url"),
            (&[("url", "nas/escrow")], "no URL"),
            (&[("url", "smb://u:secret@nas/escrow")], "password in the URL"),
            (&[("url", "smb://nas/x"), ("folder", "../y")], "folder"),
            (&[("url", "smb://nas/x"), ("read_only", "maybe")], "read_only"),
            (
                &[("url", "smb://nas/x"), ("timeout_seconds", "0")],
                "timeout_seconds",
            ),
            (
                &[("url", "smb://nas/x"), ("password", "a"), ("password_file", "b")],
                "set one",
            ),
        ] {
            let error = format!("{:#}", share(values).err().unwrap());
            assert!(error.starts_with("shares.nas") && error.contains(part), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(settle(BTreeMap::from([("NAS".to_owned(), Values::new())])).is_err());
    }
}
