//! Which adapter plays which role. This is the one place that knows.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_age::{AgeMessageCipher, AgeSealedFormat};
use keystead_application::ports::{
    MasterKeyProviders, Randomness, Schema, ShareProvider, Store, StoreError, StoreErrorKind, StoreProvider,
    Temporaries,
};
use keystead_application::use_cases::InstallationError;
use keystead_application::{Foundation, Status, Tools};
use keystead_cli::{Failure, ServeOptions, ServerAddress, Setting, Transport, Wiring};
use keystead_domain::Actor;
use keystead_ed25519::Ed25519SigningEngine;
use keystead_local_share::LocalShareProvider;
use keystead_password_hash::Argon2PasswordHasher;
use keystead_pem::{PemExportCodec, PemOptions};
use keystead_retry::{
    PatientShareProvider, RetryOptions, RetryingSchema, RetryingStore, TimeLimits, TimedStore, retried,
};
use keystead_seaorm::{SeaOrmOptions, SeaOrmStoreProvider};
use keystead_server_folder::LocalServerFolder;
use keystead_ssh_signatures::OpenSshSignatures;
use keystead_system::{OsProcesses, OsRandomness, SystemClock};
use zeroize::Zeroizing;

use crate::actor;
use crate::configuration::{Configuration, SecretSetting, SettingValue};
use crate::master_keys;
use crate::serve::{Served, serve};
use crate::shares;

/// The embedded database, in the data folder.
const DATABASE_FILE: &str = "keystead.db";
/// What this machine keeps as a backup server, in the data folder.
const SERVER_FOLDER: &str = "backup-server";
/// How long one call to the database of a server may take beyond the time that it may wait for others.
const CALL_LIMIT: Duration = Duration::from_secs(20);
/// The same for a call that goes over a whole table, such as putting a million private keys under another master key.
const WHOLE_TABLE_LIMIT: Duration = Duration::from_secs(16 * 60);
/// How long shares may take to remove what a broken write left.
const SETTLING_LIMIT: Duration = Duration::from_secs(10);
/// How long the database may take to be closed. What was acknowledged is safe without that.
const CLOSING_LIMIT: Duration = Duration::from_secs(2);

/// The adapters of this process.
pub(crate) struct Assembly {
    configuration: Configuration,
    tools: Arc<Tools>,
    database: Arc<dyn StoreProvider>,
    /// Its schema, asked with patience.
    schema: Arc<dyn Schema>,
    master_keys: MasterKeyProviders,
    retry: RetryOptions,
    randomness: Arc<dyn Randomness>,
    temporaries: Temporaries,
}

impl Assembly {
    pub(crate) fn new(configuration: Configuration) -> anyhow::Result<Self> {
        let randomness: Arc<dyn Randomness> = Arc::new(OsRandomness);
        let database = store_provider(&configuration)?;
        let codec = PemExportCodec::new(PemOptions {
            pbkdf2_iterations: configuration.pbkdf2_iterations,
        })?;
        let temporaries = Temporaries::new(Arc::clone(&randomness), Arc::new(OsProcesses::new()));
        let tools = Tools {
            rsa: Arc::new(rsa_engine(&randomness)),
            signing: Arc::new(Ed25519SigningEngine::new(Arc::clone(&randomness))),
            ssh: Arc::new(OpenSshSignatures),
            cipher: Arc::new(AgeMessageCipher),
            passwords: Arc::new(Argon2PasswordHasher::new(Arc::clone(&randomness))),
            server_folder: Arc::new(LocalServerFolder::new(
                configuration.data_dir.join(SERVER_FOLDER),
                Arc::clone(&randomness),
            )),
            codec: Arc::new(codec),
            format: Arc::new(AgeSealedFormat),
            shares: shares::wired(share_providers(&randomness, &temporaries), &configuration.shares)?,
            temporaries: temporaries.clone(),
            clock: Arc::new(SystemClock),
            randomness: Arc::clone(&randomness),
            default_bits: configuration.bits,
        };
        let retry = RetryOptions {
            give_up_after: configuration.database.retry,
            ..RetryOptions::default()
        };
        let schema = RetryingSchema::new(
            Arc::clone(&database) as Arc<dyn Schema>,
            retry.clone(),
            Arc::clone(&randomness),
        );
        let places = master_keys::Places {
            by_default: database.is_embedded(),
        };
        Ok(Self {
            master_keys: master_keys::providers(&configuration.master_key, places, &randomness)?,
            schema: Arc::new(schema),
            retry,
            configuration,
            tools: Arc::new(tools),
            database,
            randomness,
            temporaries,
        })
    }

    /// Waits until the temporary files of writes that were given up are gone from their shares. `false` when that took too
    /// long.
    pub(crate) async fn settled(&self) -> bool {
        let settled = self.temporaries.settled();
        tokio::time::timeout(SETTLING_LIMIT, settled).await.is_ok()
    }

    /// Closes what was opened, so that a copy of the database file is complete.
    pub(crate) async fn close(&self) {
        match tokio::time::timeout(CLOSING_LIMIT, self.database.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database was not closed in order; nothing is lost by that");
            }
            Err(_) => {
                tracing::info!("the database did not answer when it was closed; nothing is lost by that")
            }
        }
    }

    async fn foundation(&self) -> Result<Foundation, Failure> {
        let open = || self.database.open();
        let store = match retried(&self.retry, &self.randomness, open).await {
            Err(error) if error.kind == StoreErrorKind::NotMigrated => self.brought_up_to_date(error).await?,
            other => other.map_err(InstallationError::from)?,
        };
        Ok(Foundation {
            store: self.with_patience(store),
            master_keys: self.master_keys.clone(),
            place: self.database.place(),
        })
    }

    /// What becomes of a store that is not what this program works with.
    async fn brought_up_to_date(&self, error: StoreError) -> Result<Arc<dyn Store>, Failure> {
        let status = self.schema.status().await.map_err(InstallationError::from)?;
        if !status.exists {
            return Err(InstallationError::NotInitialised.into());
        }
        // On a server that is decided by a person.
        if !self.database.is_embedded() {
            return Err(InstallationError::from(error).into());
        }
        self.migrate().await?;
        Ok(self.database.open().await.map_err(InstallationError::from)?)
    }

    /// A server may go away and come back, and undoes what stands in the way of others. A file does neither.
    fn with_patience(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        if self.database.is_embedded() {
            return store;
        }
        let waiting = self.configuration.database.busy_timeout;
        let limits = TimeLimits {
            call: waiting + CALL_LIMIT,
            whole_table: waiting + WHOLE_TABLE_LIMIT,
        };
        let timed = Arc::new(TimedStore::new(store, limits));
        let randomness = Arc::clone(&self.randomness);
        Arc::new(RetryingStore::new(timed, self.retry.clone(), randomness))
    }

    async fn migrate(&self) -> Result<(), Failure> {
        self.schema.migrate().await.map_err(InstallationError::from)?;
        Ok(())
    }
}

/// The database. Another backend takes the place of this one here.
fn store_provider(configuration: &Configuration) -> anyhow::Result<Arc<dyn StoreProvider>> {
    let settings = &configuration.database;
    let mut database = match settings.url.text("database.url")? {
        Some(url) => SeaOrmOptions::new(url.trim().to_owned()),
        None => SeaOrmOptions::for_sqlite_file(&configuration.data_dir.join(DATABASE_FILE))?,
    };
    database.password = settings.password.text("database.password")?;
    database.busy_timeout = settings.busy_timeout;
    database.max_connections = settings.max_connections;
    Ok(Arc::new(SeaOrmStoreProvider::new(database)?))
}

/// One line for each share technology.
fn share_providers(
    randomness: &Arc<dyn Randomness>,
    temporaries: &Temporaries,
) -> Vec<Arc<dyn ShareProvider>> {
    let mut all: Vec<Arc<dyn ShareProvider>> =
        vec![Arc::new(LocalShareProvider::new(Arc::clone(randomness)))];
    let mut network = |share: Arc<dyn ShareProvider>| {
        all.push(Arc::new(PatientShareProvider::new(share, Arc::clone(randomness))))
    };
    #[cfg(feature = "smb")]
    network(Arc::new(keystead_smb_share::SmbShareProvider::new(
        temporaries.clone(),
    )));
    #[cfg(feature = "sftp")]
    network(Arc::new(keystead_sftp_share::SftpShareProvider::new(
        temporaries.clone(),
    )));
    #[cfg(feature = "s3")]
    network(Arc::new(keystead_s3_share::S3ShareProvider::new(
        temporaries.clone(),
    )));
    #[cfg(feature = "webdav")]
    network(Arc::new(keystead_webdav_share::WebDavShareProvider::new(
        temporaries.clone(),
    )));
    let _ = (temporaries, &mut network);
    all
}

#[cfg(not(feature = "pure-rust"))]
fn rsa_engine(randomness: &Arc<dyn Randomness>) -> keystead_rsa::AwsLcRsaEngine {
    keystead_rsa::AwsLcRsaEngine::new(Arc::clone(randomness))
}

#[cfg(feature = "pure-rust")]
fn rsa_engine(randomness: &Arc<dyn Randomness>) -> keystead_rsa::PureRsaEngine {
    keystead_rsa::PureRsaEngine::new(Arc::clone(randomness))
}

#[async_trait]
impl Wiring for Assembly {
    fn tools(&self) -> &Arc<Tools> {
        &self.tools
    }

    fn actor(&self) -> Actor {
        actor::current()
    }

    async fn prepare(&self) -> Result<Foundation, Failure> {
        if self.database.is_embedded() {
            make_private_folder(&self.configuration.data_dir)?;
        }
        self.migrate().await?;
        self.foundation().await
    }

    async fn open(&self) -> Result<Foundation, Failure> {
        self.foundation().await
    }

    fn new_key_text(&self) -> Result<Zeroizing<String>, Failure> {
        keystead_key_file::generate_key_text(self.randomness.as_ref())
            .map_err(|error| InstallationError::from(error).into())
    }

    fn store_is_embedded(&self) -> bool {
        self.database.is_embedded()
    }

    fn schema(&self) -> Arc<dyn Schema> {
        Arc::clone(&self.schema)
    }

    fn settings(&self) -> Vec<Setting> {
        settings(&self.configuration)
    }

    fn transport(&self, to: &ServerAddress) -> Result<Arc<dyn Transport>, Failure> {
        crate::transport::to(to, &self.randomness)
    }

    async fn serve(&self, options: &ServeOptions) -> Result<(), Failure> {
        master_keys::check_place(&self.configuration.master_key)?;
        // With a database on a server there may be no data folder yet, and a certificate is kept there.
        make_private_folder(&self.configuration.data_dir)?;
        let served = Served {
            tools: Arc::clone(&self.tools),
            foundation: self.foundation().await?,
            schema: self.schema(),
        };
        serve(served, &self.configuration.serve, options.listen.as_deref()).await
    }
}

/// Every setting, for people: where a value is empty, what it stands for.
pub(crate) fn settings(configuration: &Configuration) -> Vec<Setting> {
    let data_dir = &configuration.data_dir;
    let meant = [
        ("data_dir", data_dir.display().to_string()),
        (
            "database.url",
            format!("sqlite://{}", data_dir.join(DATABASE_FILE).display()),
        ),
        (
            "master_key.file",
            configuration.master_key.file.display().to_string(),
        ),
        (
            "master_key.passphrase.file",
            configuration.master_key.passphrase_file.display().to_string(),
        ),
    ];
    let randomness: Arc<dyn Randomness> = Arc::new(OsRandomness);
    let temporaries = Temporaries::new(Arc::clone(&randomness), Arc::new(OsProcesses::new()));
    let providers = share_providers(&randomness, &temporaries);
    let url_is_in_a_file = matches!(configuration.database.url, SecretSetting::File(_));
    let setting = |value: &SettingValue| {
        let SettingValue { key, value, origin } = value;
        if !shares::may_be_shown(key, &providers) {
            return Setting {
                key: key.clone(),
                value: "(hidden: there is no such setting)".to_owned(),
                origin: origin.to_string(),
            };
        }
        let stands_for = meant.iter().find(|(name, _)| name == key && value.is_empty());
        let value = match stands_for {
            Some((name, _)) if *name == "database.url" && url_is_in_a_file => {
                "(in database.url_file)".to_owned()
            }
            Some((_, meant)) => meant.clone(),
            None => value.clone(),
        };
        Setting {
            key: key.clone(),
            value,
            origin: origin.to_string(),
        }
    };
    configuration.settings.iter().map(setting).collect()
}

/// Makes the data folder, for its owner alone.
fn make_private_folder(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    if let Ok(found) = std::fs::metadata(folder)
        && found.mode() & 0o022 != 0
    {
        return Err(Failure::new(
            Status::Refused,
            "the data folder is not safe",
            format!(
                "{}: others can write to it, and so put a master key of theirs there",
                folder.display()
            ),
            format!("run: chmod go-w {}", folder.display()),
        ));
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| {
            Failure::new(
                Status::Refused,
                "the data folder could not be made",
                format!("{}: {error}", folder.display()),
                "choose another one with KEYSTEAD_DATA_DIR, or make it by hand",
            )
        })
}
