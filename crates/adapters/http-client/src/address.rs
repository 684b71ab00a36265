use std::fmt;

use keystead_https::is_loopback;
use reqwest::Url;

use crate::ClientError;

/// Where a manager is.
pub(crate) struct Address {
    /// Without a slash at the end of its path.
    base: Url,
    pub(crate) is_plain: bool,
    pub(crate) is_here: bool,
}

impl Address {
    pub(crate) fn read(text: &str, allow_plain: bool) -> Result<Self, ClientError> {
        const FORM: &str = "write it as https://manager.example.org, with :port behind it if need be";
        let refused = |why: &str, fix: &str| Err(ClientError::options(why, fix));
        let Ok(mut base) = Url::parse(text) else {
            return refused("the address of the manager is no URL", FORM);
        };
        let Some(host) = base
            .host_str()
            .filter(|_| ["http", "https"].contains(&base.scheme()))
        else {
            return refused("the address of the manager does not begin with https://", FORM);
        };
        if !base.username().is_empty() || base.password().is_some() {
            return refused(
                "a user or password stands in the address of the manager",
                "use a token instead",
            );
        }
        if base.query().is_some() || base.fragment().is_some() {
            return refused("the address of the manager has a ? or # in it", FORM);
        }
        let (is_plain, is_here) = (base.scheme() == "http", is_loopback(host));
        if is_plain && !is_here && !allow_plain {
            return refused(
                "the manager is on another machine, and http:// would let everybody on the way read and change everything",
                "write https://, or say that http:// is allowed if the way is protected otherwise",
            );
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self {
            base,
            is_plain,
            is_here,
        })
    }

    /// The address of something that the manager has.
    pub(crate) fn of(&self, path: &str, query: &[(String, String)]) -> Result<Url, ClientError> {
        check(path)?;
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

/// That a path says by itself where it leads: below the manager's address, to exactly these names.
fn check(path: &str) -> Result<(), ClientError> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%".contains(c);
    let decoded_dots = |name: &str| name.to_ascii_lowercase().replace("%2e", ".");
    let is_dots = |name: &str| [".", ".."].contains(&decoded_dots(name).as_str());
    match path.starts_with('/') && path.chars().all(is_fine) && !path.split('/').any(is_dots) {
        true => Ok(()),
        false => Err(ClientError::request(format!(
            "{path:?} is no path of the manager's interface"
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

    use super::*;

    #[test]
    fn a_path_stays_below_the_address() {
        for (base, path, whole) in [
            ("https://manager", "/v1/keysets", "https://manager/v1/keysets"),
            ("https://manager/", "/", "https://manager/"),
            (
                "https://manager:8443/keystead/",
                "/v1/a%20b",
                "https://manager:8443/keystead/v1/a%20b",
            ),
            ("http://[::1]:80", "/v1", "http://[::1]/v1"),
        ] {
            let address = Address::read(base, false).unwrap();
            assert_eq!(address.of(path, &[]).unwrap().as_str(), whole);
        }
        let address = Address::read("https://manager/keystead", false).unwrap();
        for path in [
            "",
            "v1",
            "//a/../b",
            "/../b",
            "/.",
            "/%2E%2e/b",
            "/a?b",
            "/a#b",
            "/a b",
            "/ä",
            "/a\\b",
            "/a\n",
        ] {
            assert!(address.of(path, &[]).is_err(), "{path:?}");
        }
        let query = [
            ("hint".to_owned(), "a&b=c ä#".to_owned()),
            ("limit".to_owned(), "2".to_owned()),
        ];
        let whole = "https://manager/keystead/v1?hint=a%26b%3Dc+%C3%A4%23&limit=2";
        assert_eq!(address.of("/v1", &query).unwrap().as_str(), whole);
    }

    #[test]
    fn what_is_no_address_of_a_manager_is_refused() {
        for text in [
            "",
            "manager",
            "manager:8443",
            "ftp://manager",
            "https://",
            "https://me:secret@manager",
            "https://me@manager",
            "https://manager/?a=b",
            "https://manager/#a",
            "http://manager",
            "http://10.0.0.1:8080",
        ] {
            assert!(Address::read(text, false).is_err(), "{text}");
        }
        for text in ["http://localhost:8080", "http://127.0.0.1", "https://manager"] {
            assert!(Address::read(text, false).is_ok(), "{text}");
        }
        assert!(Address::read("http://manager", true).is_ok());
    }
}
