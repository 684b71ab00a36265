//! What the database servers have in common: how their URLs are read, and how connections to them are kept.

use std::net::IpAddr;
use std::time::Duration;

use keystead_application::ports::{StoreError, StoreErrorKind};
use percent_encoding::percent_decode_str;
use sqlx::pool::PoolOptions;
use sqlx::{ConnectOptions, Connection, Database, Pool};

use crate::error::Failures;

const OPEN: &str = "open the database";

/// How long a connection may take to be made, whatever else is waited for.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long nobody may go on with a transaction before the server ends it: the program that began it hangs or is cut
/// off, and others wait. This program does no slow work inside one. It is shorter than the time for which a lost commit is
/// looked after, because the look waits for this.
pub(crate) const ABANDONED: Duration = Duration::from_secs(20);

/// A statement that takes longer than this hangs. The longest is the switch to another master key.
pub(crate) const LONGEST_STATEMENT: Duration = Duration::from_secs(15 * 60);

/// The parameters that a URL names.
pub(crate) struct Parameters(Vec<String>);

impl Parameters {
    /// Reads them, and refuses a URL that does not mean what it looks like. No refusal repeats any other part of it: there
    /// may be a password anywhere in a URL that is written wrong.
    pub(crate) fn of(url: &str, known: &[&str], example: &str) -> Result<Self, StoreError> {
        let Some((_, rest)) = url.split_once("://") else {
            return Err(refused(&format!(
                "the URL of the database has no \"//\" behind its scheme; give one like {example}"
            )));
        };
        let tail = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
        if tail.contains(['@', '#']) {
            return Err(refused(
                "the URL of the database has an \"@\" or \"#\" behind its host; write characters such as / ? # @ in a \
                 password as %2F %3F %23 %40, or give the password apart from the URL",
            ));
        }
        let query = tail.split_once('?').map_or("", |(_, query)| query);
        let names: Vec<String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
            .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned())
            .collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self(names)),
            Some(name) => Err(refused(&format!(
                "the URL of the database has the parameter \"{}\", which this program does not know; it knows {}, as in \
                 {example}",
                name.escape_default(),
                known.join(", ")
            ))),
        }
    }

    pub(crate) fn name_one_of(&self, names: &[&str]) -> bool {
        self.0.iter().any(|name| names.contains(&name.as_str()))
    }
}

pub(crate) fn refused(what: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, OPEN, what)
}

/// A URL that the driver cannot read. What the driver says of it is left out: it may quote the URL.
pub(crate) fn unreadable(example: &str) -> StoreError {
    refused(&format!(
        "the URL of the database cannot be read; give one like {example}, with characters such as / ? # @ in a user name \
         or password written as %2F %3F %23 %40"
    ))
}

/// A URL without a database in it. Servers would choose one by the name of the user.
pub(crate) fn nameless(example: &str) -> StoreError {
    refused(&format!("the URL names no database; give one like {example}"))
}

/// The address in a host as URLs write it: an IPv6 address stands in brackets there, and nowhere else.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Whether what is sent to the host stays on this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || bare(host).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Where a database is, for people.
pub(crate) fn place(host: &str, port: u16, database: &str) -> String {
    match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]:{port}/{database}"),
        false => format!("{host}:{port}/{database}"),
    }
}

/// How connections are kept: tested before they are used, and not for ever.
pub(crate) fn pool_options<D: Database>(busy_timeout: Duration, max_connections: u32) -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(max_connections.max(1))
        .acquire_timeout(busy_timeout.max(CONNECTING))
        .test_before_acquire(true)
        .idle_timeout(Duration::from_secs(5 * 60))
        .max_lifetime(Duration::from_secs(30 * 60))
}

/// Makes the first connection, so that a server that is not there, or does not want us, is told of at once.
pub(crate) async fn first_connection<D, O>(
    pool: &Pool<D>,
    options: &O,
    failures: &Failures,
) -> Result<(), StoreError>
where
    D: Database,
    O: ConnectOptions<Connection: Connection<Database = D> + Sized>,
{
    match tokio::time::timeout(CONNECTING, pool.acquire()).await {
        Ok(Ok(_)) => Ok(()),
        // The pool goes on trying, and keeps to itself what is wrong.
        Ok(Err(sqlx::Error::PoolTimedOut)) | Err(_) => {
            match tokio::time::timeout(CONNECTING, options.connect()).await {
                Ok(Err(why)) => Err(failures.of_driver(OPEN, why)),
                Ok(Ok(_)) | Err(_) => Err(failures.of_driver(OPEN, sqlx::Error::PoolTimedOut)),
            }
        }
        Ok(Err(why)) => Err(failures.of_driver(OPEN, why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "postgres://keystead@db.example.org/keystead";

    #[test]
    fn a_url_that_hides_a_password_in_the_wrong_place_is_refused_without_it() {
        for url in [
            "postgres://ada:sec/ret@db/keystead",
            "postgres://ada:sec?ret@db/keystead",
            "postgres://ada:sec#ret@db/keystead",
            "postgres://ada@db/keystead#secret",
            "postgres://ada@db/keystead?passwort=secret",
        ] {
            let said = Parameters::of(url, &["sslmode"], EXAMPLE)
                .err()
                .unwrap()
                .to_string();
            assert!(!said.contains("sec") && !said.contains("ret@"), "{said}");
        }
        let read = Parameters::of("postgres://a@b/c?sslmode=disable&", &["sslmode"], EXAMPLE).unwrap();
        assert!(read.name_one_of(&["ssl-mode", "sslmode"]) && !read.name_one_of(&["user"]));
    }

    #[test]
    fn hosts_are_told_apart() {
        for here in ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in ["localhost.example.org", "10.0.0.1", "::2", "db", ""] {
            assert!(!is_loopback(there), "{there}");
        }
        assert_eq!(place("::1", 5, "k"), "[::1]:5/k");
        assert_eq!(place("db", 5, "k"), "db:5/k");
    }
}
