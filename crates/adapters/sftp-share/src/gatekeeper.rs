use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{self, DisconnectReason};
use russh::keys::{Algorithm, PublicKeyOrCertificate};

use crate::host_keys::{Distrust, Expected};

/// Lets in servers that prove who they are.
pub(crate) struct Gatekeeper {
    expected: Arc<Expected>,
    ending: Ending,
}

impl Gatekeeper {
    pub(crate) fn new(expected: Arc<Expected>, ending: Ending) -> Self {
        Self { expected, ending }
    }
}

/// What a server said when it ended the connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(Arc<Mutex<Option<String>>>);

impl Ending {
    pub(crate) fn said(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Debug)]
pub(crate) enum LinkError {
    Ssh(russh::Error),
    Untrusted { shown: Algorithm, why: Distrust },
}

impl From<russh::Error> for LinkError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl client::Handler for Gatekeeper {
    type Error = LinkError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, LinkError> {
        // A certificate is not asked for, and none is taken.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Ok(false);
        };
        match self.expected.judge(key) {
            Ok(()) => Ok(true),
            Err(why) => Err(LinkError::Untrusted {
                shown: key.algorithm(),
                why,
            }),
        }
    }

    async fn disconnected(&mut self, reason: DisconnectReason<LinkError>) -> Result<(), LinkError> {
        match reason {
            DisconnectReason::ReceivedDisconnect(said) => {
                // What a server says goes to a terminal.
                let said: String = said
                    .message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect();
                *self.ending.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
                Ok(())
            }
            DisconnectReason::Error(e) => Err(e),
        }
    }
}
