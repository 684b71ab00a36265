//! Where the secrets of master key providers come from: the settings, a file, or the person at the terminal.

use async_trait::async_trait;
use keystead_domain::Passphrase;
use keystead_key_file::{Ask, PassphraseSource};
use zeroize::Zeroizing;

use crate::configuration::SecretSetting;

/// The passphrase of the passphrase provider.
pub(crate) struct ConfiguredPassphrase {
    pub(crate) present: SecretSetting,
    /// For a key that is being made; `None`: the same.
    pub(crate) new: Option<SecretSetting>,
}

#[async_trait]
impl PassphraseSource for ConfiguredPassphrase {
    async fn passphrases(&self, ask: Ask) -> Result<Vec<Passphrase>, String> {
        const SETTING: &str = "master_key.passphrase.passphrase_file";
        match ask {
            Ask::New { place } => {
                let prompt = format!("new passphrase for the master key in {place}");
                let setting = self.new.as_ref().unwrap_or(&self.present);
                Ok(vec![find(setting, prompt, true, SETTING).await?])
            }
            Ask::Existing { place } => {
                let prompt = format!("passphrase of the master key in {place}");
                let present = find(&self.present, prompt.clone(), false, SETTING).await?;
                let mut candidates = vec![present];
                // While a rotation is under way there are keys under either.
                if let Some(new) = &self.new {
                    candidates.extend(find(new, prompt, false, SETTING).await.ok());
                }
                Ok(candidates)
            }
        }
    }
}

/// The user PIN of a token.
#[cfg(feature = "pkcs11")]
pub(crate) struct ConfiguredPin(pub(crate) SecretSetting);

#[cfg(feature = "pkcs11")]
#[async_trait]
impl keystead_pkcs11::PinSource for ConfiguredPin {
    async fn pin(&self, token: &str) -> Result<Passphrase, String> {
        let prompt = format!("PIN of the token {token}");
        find(&self.0, prompt, false, "master_key.pkcs11.pin_file").await
    }
}

async fn find(
    setting: &SecretSetting,
    prompt: String,
    is_new: bool,
    file_setting: &'static str,
) -> Result<Passphrase, String> {
    match setting {
        SecretSetting::Given(text) => Ok(Passphrase::new(Zeroizing::new(text.as_bytes().to_vec()))),
        SecretSetting::File(path) => keystead_cli::read_secret_file(path)
            .map_err(|failure| format!("{}: {}", failure.what, failure.why)),
        SecretSetting::Asked => {
            // A person takes time, and the terminal is read without the runtime.
            let asked = tokio::task::spawn_blocking(move || keystead_cli::ask_secret(&prompt, is_new));
            match asked.await {
                Ok(Ok(Some(secret))) => Ok(secret),
                Ok(Ok(None)) => Err(format!(
                    "it is needed, and there is no terminal to ask at; give it in the file that {file_setting} names"
                )),
                Ok(Err(failure)) => Err(failure.why),
                Err(_) => Err("asking for it was broken off".to_owned()),
            }
        }
    }
}
