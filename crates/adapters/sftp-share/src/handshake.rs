use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{ShareError, ShareErrorKind};
use russh::client::{self, Handle};
use russh::keys::Algorithm;
use russh::{AlgorithmKind, Preferred};
use tokio::net::TcpStream;

use crate::error::{failed, link_lost};
use crate::gatekeeper::{Ending, Gatekeeper, LinkError};
use crate::host_keys::{Distrust, no_common_kind};
use crate::reach::Reach;

/// Makes the connection. Where the right key may be one of another kind than the server shows first, it is asked for
/// each kind that it has.
pub(crate) async fn reach_server(reach: &Reach, ending: &Ending) -> Result<Handle<Gatekeeper>, ShareError> {
    const OPERATION: &str = "check the host key";
    let place = reach.place();
    let host = reach.access.address.host.as_str();
    let untrusted = |Distrust { why, advice }: Distrust| {
        failed(ShareErrorKind::Untrusted, OPERATION, &place, why).advising(advice)
    };
    let expected = Arc::new(reach.host_keys.expected(host, reach.port, &place)?);
    let mut kinds = expected.kinds();
    let mut first_refusal = None;
    loop {
        let gatekeeper = Gatekeeper::new(Arc::clone(&expected), ending.clone());
        let why = match in_time(reach, "connect", greet(reach, gatekeeper, &kinds)).await? {
            Ok(server) => return Ok(server),
            Err(why) => why,
        };
        match why {
            LinkError::Untrusted { shown, why } => {
                kinds.retain(|kind| *kind != shown);
                if !expected.may_mean_another_kind() || kinds.is_empty() {
                    return Err(untrusted(first_refusal.unwrap_or(why)));
                }
                first_refusal.get_or_insert(why);
            }
            LinkError::Ssh(russh::Error::NoCommonAlgo {
                kind: AlgorithmKind::Key,
                theirs,
                ..
            }) => {
                return Err(untrusted(
                    first_refusal.unwrap_or_else(|| no_common_kind(&theirs)),
                ));
            }
            LinkError::Ssh(russh::Error::NoCommonAlgo { kind, theirs, .. }) => {
                let why = format!(
                    "the server and this program have no {kind:?} algorithm in common; it offers {}",
                    theirs.join(", ")
                );
                return Err(failed(ShareErrorKind::Unsupported, "connect", &place, why)
                    .advising("update the server, or have it offer what is used today"));
            }
            LinkError::Ssh(russh::Error::WrongServerSig) => {
                let why = "the server did not prove that it has the key that it showed";
                return Err(failed(ShareErrorKind::Untrusted, OPERATION, &place, why));
            }
            LinkError::Ssh(e) => return Err(link_lost("connect", &place, &e.to_string())),
        }
    }
}

async fn greet(
    reach: &Reach,
    gatekeeper: Gatekeeper,
    kinds: &[Algorithm],
) -> Result<Result<Handle<Gatekeeper>, LinkError>, ShareError> {
    let address = (reach.access.address.host.as_str(), reach.port);
    let stream = TcpStream::connect(address).await.map_err(|e| {
        let why = format!("the server cannot be reached ({e})");
        failed(ShareErrorKind::Unavailable, "connect", &reach.place(), why)
    })?;
    // What cannot be set costs time alone.
    let _ = stream.set_nodelay(true);
    let patience = reach.access.patience.answer;
    let config = client::Config {
        preferred: Preferred {
            key: kinds.to_vec().into(),
            ..Preferred::DEFAULT
        },
        // A server that is gone without a word is noticed by what it does not answer.
        keepalive_interval: Some((patience / 3).max(Duration::from_secs(1))),
        keepalive_max: 2,
        nodelay: true,
        ..client::Config::default()
    };
    Ok(client::connect_stream(Arc::new(config), stream, gatekeeper).await)
}

/// A step of connecting, which is not waited for longer than the share's patience.
pub(crate) async fn in_time<T>(
    reach: &Reach,
    operation: &'static str,
    step: impl Future<Output = Result<T, ShareError>>,
) -> Result<T, ShareError> {
    let patience = reach.access.patience.answer;
    tokio::time::timeout(patience, step).await.unwrap_or_else(|_| {
        let why = format!("the server did not answer within {} seconds", patience.as_secs());
        Err(failed(
            ShareErrorKind::Unavailable,
            operation,
            &reach.place(),
            why,
        ))
    })
}
