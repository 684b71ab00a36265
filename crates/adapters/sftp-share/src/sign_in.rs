use std::path::Path;
use std::sync::Arc;

use keystead_application::ports::{ShareError, ShareErrorKind};
use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg};

use crate::error::{failed, link_lost};
use crate::gatekeeper::{Ending, Gatekeeper};
use crate::key_file::{KeyFile, NoKey, load};
use crate::reach::Reach;

const OPERATION: &str = "sign in";
/// The keys that are looked for in the home folder.
const DEFAULT_KEYS: [&str; 2] = [".ssh/id_ed25519", ".ssh/id_ecdsa"];
/// How often a server may ask again in one dialogue.
const QUESTIONS: usize = 4;

/// Signs in, by the first that the server takes: the key file that is configured; or else the keys of the agent, those of
/// the home folder, and the password.
pub(crate) async fn sign_in(
    server: &mut Handle<Gatekeeper>,
    reach: &Reach,
    ending: &Ending,
) -> Result<(), ShareError> {
    let mut attempt = Attempt {
        server,
        reach,
        ending,
        tried: Vec::new(),
        offered: None,
    };
    match attempt.every_way().await? {
        true => Ok(()),
        false => Err(attempt.refused()),
    }
}

struct Attempt<'a> {
    server: &'a mut Handle<Gatekeeper>,
    reach: &'a Reach,
    ending: &'a Ending,
    /// What was tried and refused, in words.
    tried: Vec<String>,
    /// What the server said it takes, after the first refusal.
    offered: Option<Vec<MethodKind>>,
}

impl Attempt<'_> {
    async fn every_way(&mut self) -> Result<bool, ShareError> {
        if let Some(path) = &self.reach.key_file {
            let key = match load(path, self.reach.access.password.clone()).await {
                Ok(key) => key,
                Err(NoKey::Because { why, advice }) => return Err(self.not_signed_in(why).advising(advice)),
                Err(NoKey::Encrypted) => {
                    let why = format!(
                        "the key file {} is encrypted, and no password is given",
                        path.display()
                    );
                    return Err(self.not_signed_in(why).advising(
                        "give its passphrase as the share's password: password_file of the share in the configuration, \
                         or KEYSTEAD_SHARE_PASSWORD_FILE for a URL",
                    ));
                }
            };
            // The passphrase of a key is not for the server. Where the key had none, the password is one.
            let password_is_for_server = !key.was_encrypted;
            let (signed_in, wants_more) = self.by_key(&key).await?;
            return Ok(signed_in || (wants_more && password_is_for_server && self.by_password().await?));
        }
        Ok(self.by_agent().await? || self.by_default_keys().await? || self.by_password().await?)
    }

    async fn by_agent(&mut self) -> Result<bool, ShareError> {
        // Without an agent there is nothing to say about it.
        let Ok(mut agent) = AgentClient::connect_env().await else {
            return Ok(false);
        };
        let Ok(identities) = agent.request_identities().await else {
            self.tried
                .push("the ssh-agent, which did not list its keys".to_owned());
            return Ok(false);
        };
        for identity in identities {
            let user = self.reach.user.clone();
            let (result, what) = match identity {
                AgentIdentity::PublicKey { key, comment } => {
                    let hash = match key.algorithm().is_rsa() {
                        true => self.rsa_hash().await,
                        false => None,
                    };
                    let what = format!("the agent's {} key {comment}", key.algorithm());
                    let signed = self
                        .server
                        .authenticate_publickey_with(user, key, hash, &mut agent)
                        .await;
                    (signed, what)
                }
                AgentIdentity::Certificate { certificate, comment } => {
                    let hash = match certificate.algorithm().is_rsa() {
                        true => self.rsa_hash().await,
                        false => None,
                    };
                    let what = format!("the agent's certificate {comment}");
                    let signed = self
                        .server
                        .authenticate_certificate_with(user, certificate, hash, &mut agent)
                        .await;
                    (signed, what)
                }
            };
            // An agent that does not sign is one way less.
            match result {
                Ok(result) => {
                    if self.took(result, what.trim_end())?.0 {
                        return Ok(true);
                    }
                }
                Err(_) => self
                    .tried
                    .push(format!("{}, which did not sign", what.trim_end())),
            }
        }
        Ok(false)
    }

    /// The best hash that the server takes with RSA keys.
    async fn rsa_hash(&self) -> Option<HashAlg> {
        match self.server.best_supported_rsa_hash().await {
            Ok(Some(hash)) => hash,
            Ok(None) | Err(_) => Some(HashAlg::Sha512),
        }
    }

    async fn by_default_keys(&mut self) -> Result<bool, ShareError> {
        let Some(home) = std::env::home_dir() else {
            return Ok(false);
        };
        for path in DEFAULT_KEYS
            .map(|name| home.join(name))
            .iter()
            .filter(|path| path.exists())
        {
            match load(path, None).await {
                Ok(key) => {
                    if self.by_key(&key).await?.0 {
                        return Ok(true);
                    }
                }
                Err(why) => self
                    .tried
                    .push(format!("{}, {}", path.display(), not_usable(&why, path))),
            }
        }
        Ok(false)
    }

    /// Whether the server lets in whoever has this key, and whether it wants something else too.
    async fn by_key(&mut self, file: &KeyFile) -> Result<(bool, bool), ShareError> {
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&file.key), None);
        let what = format!("the {} key {}", file.key.algorithm(), file.path.display());
        let result = self
            .server
            .authenticate_publickey(self.reach.user.clone(), key)
            .await;
        let result = result.map_err(|e| self.lost(&e.to_string()))?;
        self.took(result, &what)
    }

    async fn by_password(&mut self) -> Result<bool, ShareError> {
        let Some(password) = self.reach.access.password_text()?.map(str::to_owned) else {
            return Ok(false);
        };
        let password = zeroize::Zeroizing::new(password);
        if self.is_offered(MethodKind::Password) {
            let user = self.reach.user.clone();
            let result = self.server.authenticate_password(user, password.as_str()).await;
            let result = result.map_err(|e| self.lost(&e.to_string()))?;
            if self.took(result, "the password")?.0 {
                return Ok(true);
            }
        }
        if self.is_offered(MethodKind::KeyboardInteractive) {
            return self.by_dialogue(&password).await;
        }
        Ok(false)
    }

    /// Answers the first question that is not shown while it is typed with the password. To others there is no answer.
    async fn by_dialogue(&mut self, password: &str) -> Result<bool, ShareError> {
        let user = self.reach.user.clone();
        let mut step = self
            .server
            .authenticate_keyboard_interactive_start(user, None)
            .await;
        let mut left = Some(password);
        for _ in 0..QUESTIONS {
            let answers = match step.map_err(|e| self.lost(&e.to_string()))? {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => break,
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let answer = |echo: bool| {
                        (!echo)
                            .then(|| left.take())
                            .flatten()
                            .unwrap_or_default()
                            .to_owned()
                    };
                    prompts.iter().map(|prompt| prompt.echo).map(answer).collect()
                }
            };
            step = self
                .server
                .authenticate_keyboard_interactive_respond(answers)
                .await;
        }
        self.tried.push("the password, in a dialogue".to_owned());
        self.still_connected()?;
        Ok(false)
    }

    fn is_offered(&self, method: MethodKind) -> bool {
        self.offered
            .as_ref()
            .is_none_or(|offered| offered.contains(&method))
    }

    /// Whether the server lets the user in now, and whether it wants something else too.
    fn took(&mut self, result: AuthResult, what: &str) -> Result<(bool, bool), ShareError> {
        match result {
            AuthResult::Success => Ok((true, false)),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                self.tried.push(match partial_success {
                    true => format!("{what} (taken, but the server wants something else too)"),
                    false => what.to_owned(),
                });
                self.still_connected()?;
                self.offered = Some(remaining_methods.iter().copied().collect());
                Ok((false, partial_success))
            }
        }
    }

    /// A server ends the connection after too many wrong keys; otherwise the link broke.
    fn still_connected(&self) -> Result<(), ShareError> {
        if let Some(said) = self.ending.said() {
            let why = format!("the server ended the connection ({said}) after {}", self.tried());
            return Err(self.not_signed_in(why));
        }
        match self.server.is_closed() {
            true => Err(self.lost("it ended")),
            false => Ok(()),
        }
    }

    fn refused(&self) -> ShareError {
        if self.tried.is_empty() {
            let why = format!(
                "there is nothing to sign in with as {}: no key_file and no password is configured, no ssh-agent answers, \
                 and there is no key in ~/.ssh",
                self.reach.user
            );
            return self.not_signed_in(why).advising(
                "set key_file or password_file of the share in the configuration, or give KEYSTEAD_SHARE_PASSWORD_FILE \
                 for a URL; or add a key to an ssh-agent (ssh-add)",
            );
        }
        let offered = self
            .offered
            .iter()
            .flatten()
            .map(<&str>::from)
            .collect::<Vec<_>>();
        let offered = match offered.is_empty() {
            true => String::new(),
            false => format!(" (it takes {})", offered.join(", ")),
        };
        self.not_signed_in(format!(
            "the server did not let {} in; tried: {}{offered}",
            self.reach.user,
            self.tried()
        ))
    }

    fn tried(&self) -> String {
        self.tried.join("; ")
    }

    fn not_signed_in(&self, why: String) -> ShareError {
        failed(ShareErrorKind::NotSignedIn, OPERATION, &self.reach.place(), why)
    }

    fn lost(&self, why: &str) -> ShareError {
        link_lost(OPERATION, &self.reach.place(), why)
    }
}

fn not_usable(why: &NoKey, path: &Path) -> String {
    match why {
        NoKey::Encrypted => "which is encrypted".to_owned(),
        NoKey::Because { why, .. } => why.replace(&path.display().to_string(), "it"),
    }
}
