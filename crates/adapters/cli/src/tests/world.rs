//! A machine in memory: an installation, a backup server, or both.

use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clap::Parser;
use keystead_application::ports::{
    ConfiguredShare, FileShares, MasterKeyProviders, PasswordHasher, PasswordHasherError, Schema,
    SchemaStatus, ShareAddress, ShareError, SharePath, ShareSecrets, Store, StoreError, Temporaries,
};
use keystead_application::{Foundation, Tools};
use keystead_domain::{Actor, ActorKind, Passphrase, PasswordHash, SecretBytes, Timestamp};
use keystead_memory::{
    MemoryClock, MemoryExportCodec, MemoryFileShare, MemoryMasterKeyProvider, MemoryMessageCipher,
    MemoryProcesses, MemoryRandomness, MemoryRsaEngine, MemorySealedFormat, MemoryServerFolder,
    MemoryShareProvider, MemorySigningEngine, MemorySshSignatures, MemoryStore,
};
use zeroize::Zeroizing;

use super::TOKEN;
use super::scripted::{Asked, Script, ScriptedTransport};
use crate::context::Context;
use crate::output::{Printer, captured};
use crate::terminal::Terminal;
use crate::{Cli, Failure, ServeOptions, ServerAddress, Setting, Transport, Wiring};

/// A machine. Its relative paths are in a share in memory, which the machines beside it have too.
pub(super) struct World {
    tools: Arc<Tools>,
    parts: Parts,
    store: Arc<MemoryStore>,
    master_keys: Arc<MemoryMasterKeyProvider>,
    /// Whether there is an installation.
    is_manager: Mutex<bool>,
    token: tempfile::NamedTempFile,
    /// What the command that runs sends its requests to, and the addresses that it asked for.
    transport: Mutex<Option<Arc<ScriptedTransport>>>,
    addresses: Mutex<Vec<ServerAddress>>,
}

/// The make-believe cryptography, which machines have to share, and the files.
#[derive(Clone)]
struct Parts {
    rsa: Arc<MemoryRsaEngine>,
    codec: Arc<MemoryExportCodec>,
    format: Arc<MemorySealedFormat>,
    signing: MemorySigningEngine,
    cipher: Arc<MemoryMessageCipher>,
    share: MemoryFileShare,
    clock: MemoryClock,
}

/// What a command left.
#[derive(Debug, PartialEq)]
pub(super) struct Ran {
    pub(super) succeeded: bool,
    pub(super) code: String,
    pub(super) out: String,
    pub(super) err: String,
}

impl World {
    /// A manager with a first keyset.
    pub(super) async fn manager() -> Self {
        let parts = Parts {
            rsa: Arc::new(MemoryRsaEngine::new()),
            codec: Arc::new(MemoryExportCodec::new()),
            format: Arc::new(MemorySealedFormat::new()),
            signing: MemorySigningEngine::new(),
            cipher: Arc::new(MemoryMessageCipher::new()),
            share: MemoryFileShare::new(),
            clock: MemoryClock::at(Timestamp::from_micros(1_764_000_000_000_000).unwrap()),
        };
        parts.share.make_folder(&SharePath::new("folder")).unwrap();
        let world = Self::new(parts, 1);
        super::ok(&world, "init --bits 2048 --hint first").await;
        *world.is_manager.lock().unwrap() = true;
        world
    }

    /// Another machine, on which there is nothing yet.
    pub(super) fn beside(&self, seed: u32) -> Self {
        Self::new(self.parts.clone(), seed)
    }

    fn new(parts: Parts, seed: u32) -> Self {
        let randomness: Arc<MemoryRandomness> = Arc::new(MemoryRandomness::seeded(seed));
        let provider = MemoryShareProvider::with_plain_paths(parts.share.clone());
        let nas = ConfiguredShare {
            name: "nas".to_owned(),
            address: ShareAddress::parse("memory:///folder").unwrap(),
            username: Some("keeper".to_owned()),
            read_only: false,
            patience: keystead_application::ports::SharePatience::default(),
            settings: std::collections::BTreeMap::new(),
        };
        let shares = FileShares::new(vec![Arc::new(provider)])
            .with_configured(vec![nas], Arc::new(NoSecrets))
            .unwrap();
        let tools = Tools {
            rsa: parts.rsa.clone(),
            signing: Arc::new(parts.signing.clone()),
            ssh: Arc::new(MemorySshSignatures::new(parts.signing.clone())),
            cipher: parts.cipher.clone(),
            passwords: Arc::new(PlainHasher),
            server_folder: Arc::new(MemoryServerFolder::new()),
            codec: parts.codec.clone(),
            format: parts.format.clone(),
            shares,
            temporaries: Temporaries::new(randomness.clone(), Arc::new(MemoryProcesses)),
            clock: Arc::new(parts.clock.clone()),
            randomness,
            default_bits: 2048,
        };
        Self {
            tools: Arc::new(tools),
            parts,
            store: Arc::new(MemoryStore::new()),
            master_keys: Arc::new(MemoryMasterKeyProvider::new()),
            is_manager: Mutex::new(false),
            token: Self::secret(TOKEN),
            transport: Mutex::default(),
            addresses: Mutex::default(),
        }
    }

    pub(super) fn token_file(&self) -> String {
        self.token.path().to_str().unwrap().to_owned()
    }

    /// A file that holds a secret, which is never in a share.
    pub(super) fn secret(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{text}").unwrap();
        file
    }

    /// A file of the machine.
    pub(super) async fn read(&self, path: &str) -> Vec<u8> {
        use keystead_application::ports::FileShare;
        use tokio::io::AsyncReadExt;
        let mut content = Vec::new();
        let mut reader = self.parts.share.read(&SharePath::new(path)).await.unwrap();
        reader.read_to_end(&mut content).await.unwrap();
        content
    }

    /// Puts a file there.
    pub(super) async fn write(&self, path: &str, content: &[u8]) {
        use keystead_application::ports::{FileShare, Replace};
        let path = SharePath::new(path);
        let mut writer = self.parts.share.create(&path, Replace::Allowed).await.unwrap();
        writer.write(content).await.unwrap();
        writer.publish().await.unwrap();
    }

    /// The addresses that transports were asked for, since the last time.
    pub(super) fn addresses(&self) -> Vec<ServerAddress> {
        std::mem::take(&mut *self.addresses.lock().unwrap())
    }

    /// Runs a command; a manager elsewhere answers by the script.
    pub(super) async fn run(&self, line: &str, script: Script) -> (Ran, Vec<Asked>) {
        let transport = Arc::new(ScriptedTransport::new(script));
        *self.transport.lock().unwrap() = Some(Arc::clone(&transport));
        captured::taken();
        let words = std::iter::once("keystead").chain(line.split(' ').filter(|word| !word.is_empty()));
        // A blank in an argument is written as a tilde.
        let cli = Cli::try_parse_from(words.map(|word| word.replace('~', " ")))
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let mut context = Context::new(self, Printer::new(&cli.global));
        context.terminal = Terminal::nobody();
        let code = crate::run_in(context, cli).await;
        let [out, err] = captured::taken();
        let ran = Ran {
            succeeded: code == ExitCode::SUCCESS,
            code: format!("{code:?}"),
            out,
            err,
        };
        (ran, transport.asked())
    }
}

#[async_trait]
impl Wiring for World {
    fn tools(&self) -> &Arc<Tools> {
        &self.tools
    }

    fn actor(&self) -> Actor {
        Actor {
            kind: ActorKind::OsUser,
            id: "ada".into(),
        }
    }

    async fn prepare(&self) -> Result<Foundation, Failure> {
        self.open().await
    }

    async fn open(&self) -> Result<Foundation, Failure> {
        Ok(Foundation {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            master_keys: MasterKeyProviders::new(self.master_keys.clone(), Vec::new()),
            place: "memory".to_owned(),
        })
    }

    fn new_key_text(&self) -> Result<Zeroizing<String>, Failure> {
        Ok(Zeroizing::new(String::new()))
    }

    fn store_is_embedded(&self) -> bool {
        true
    }

    fn schema(&self) -> Arc<dyn Schema> {
        Arc::new(FixedSchema(*self.is_manager.lock().unwrap()))
    }

    fn settings(&self) -> Vec<Setting> {
        Vec::new()
    }

    fn transport(&self, to: &ServerAddress) -> Result<Arc<dyn Transport>, Failure> {
        self.addresses.lock().unwrap().push(to.clone());
        let transport = self.transport.lock().unwrap().clone();
        Ok(transport.expect("a script"))
    }

    async fn serve(&self, _: &ServeOptions) -> Result<(), Failure> {
        Ok(())
    }
}

struct FixedSchema(bool);

#[async_trait]
impl Schema for FixedSchema {
    async fn status(&self) -> Result<SchemaStatus, StoreError> {
        Ok(SchemaStatus {
            engine: "memory".to_owned(),
            place: "memory".to_owned(),
            exists: self.0,
            applied: Vec::new(),
            pending: Vec::new(),
            unknown: Vec::new(),
        })
    }

    async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}

struct NoSecrets;

#[async_trait]
impl ShareSecrets for NoSecrets {
    async fn password(&self, _: Option<&str>) -> Result<Option<Arc<SecretBytes>>, ShareError> {
        Ok(None)
    }
}

/// Hashing costs time on purpose, and no test of this crate signs in.
struct PlainHasher;

#[async_trait]
impl PasswordHasher for PlainHasher {
    async fn hash(&self, _: &Passphrase) -> Result<PasswordHash, PasswordHasherError> {
        Ok(PasswordHash::new(
            "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ))
    }

    async fn verify(&self, _: &Passphrase, _: Option<&PasswordHash>) -> Result<bool, PasswordHasherError> {
        Ok(false)
    }
}
