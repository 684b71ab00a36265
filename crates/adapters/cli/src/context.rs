use std::sync::Arc;

use keystead_application::ports::{MasterKey, Store};
use keystead_application::use_cases::{
    ExportKeysets, InstallationError, KeysetAccess, RecordAccess, RegisterAccess, ServerState, Trust,
    UnlockInstallation, Unlocked,
};
use keystead_application::{Foundation, Tools};
use keystead_domain::{Actor, GenerateBits, Hint, Installation, KeysetReference, PersonName, Reason};
use tokio::sync::OnceCell;

use crate::Failure;
use crate::args::{Command, GlobalArgs};
use crate::output::Printer;
use crate::remote::{Credential, Remote, ServerAddress, address, check_is_possible, given};
use crate::terminal::Terminal;
use crate::wiring::Wiring;

/// What every command works with.
pub(crate) struct Context<'a> {
    pub(crate) wiring: &'a dyn Wiring,
    pub(crate) printer: Printer,
    pub(crate) terminal: Terminal,
    /// The manager that the command does its work at, and the way to it. `None`: on this machine.
    server: Option<Server>,
    /// What `--server-certificate` says.
    certificate: Option<String>,
    /// The store, once it was opened.
    store: OnceCell<Arc<dyn Store>>,
}

struct Server {
    address: ServerAddress,
    /// `None` when this machine asks as a backup server, which needs no token.
    remote: Option<Remote>,
}

/// An installation whose master key was proven.
pub(crate) struct OpenInstallation {
    pub(crate) installation: Installation,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) master_key: Arc<dyn MasterKey>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(wiring: &'a dyn Wiring, printer: Printer) -> Self {
        Self {
            wiring,
            printer,
            terminal: Terminal::detect(),
            server: None,
            certificate: None,
            store: OnceCell::new(),
        }
    }

    /// Does the work at the manager that `--server` names, if it names one.
    ///
    /// # Errors
    /// When that is not possible for the command, or there is no token.
    pub(crate) fn go_to_server(&mut self, global: &GlobalArgs, command: &Command) -> Result<(), Failure> {
        self.certificate = given(global.server_certificate.as_ref()).map(str::to_owned);
        let Some(url) = given(global.server.as_ref()) else {
            return Ok(());
        };
        check_is_possible(command)?;
        let address = address(url, self.certificate())?;
        let remote = match command.asks_as_backup_server() {
            true => None,
            false => {
                let credential = match (Credential::given_token(global)?, command) {
                    (Some(token), _) => token,
                    (None, Command::Seal(_)) => Credential::BackupServer(Arc::clone(self.tools())),
                    (None, _) => return Err(no_token()),
                };
                Some(Remote::new(self.wiring.transport(&address)?, credential))
            }
        };
        self.server = Some(Server { address, remote });
        Ok(())
    }

    /// The manager that the command does its work at; `None` when that is this machine.
    pub(crate) fn remote(&self) -> Option<&Remote> {
        self.server.as_ref()?.remote.as_ref()
    }

    /// What `--server` says.
    pub(crate) fn address(&self) -> Option<&ServerAddress> {
        self.server.as_ref().map(|server| &server.address)
    }

    pub(crate) fn tools(&self) -> &'a Arc<Tools> {
        self.wiring.tools()
    }

    pub(crate) fn actor(&self) -> Actor {
        self.wiring.actor()
    }

    /// Opens the installation, as nearly every command does first.
    pub(crate) async fn installation(&self) -> Result<OpenInstallation, Failure> {
        let Foundation {
            store,
            master_keys,
            place: _,
        } = self.foundation().await?;
        let unlock = UnlockInstallation {
            store: store.as_ref(),
            master_keys: &master_keys,
        };
        let unlocked = match unlock.run().await {
            Err(error) => return Err(self.not_usable(error).await),
            Ok(unlocked) => unlocked,
        };
        let Unlocked {
            installation,
            master_key,
        } = unlocked;
        // What is looked at afterwards is looked at in the same store.
        let _ = self.store.set(Arc::clone(&store));
        Ok(OpenInstallation {
            installation,
            store,
            master_key,
        })
    }

    /// Opens the store to look at it. That needs no master key; a missing or wrong one is told, because everything else
    /// will fail by it, once.
    pub(crate) async fn reading(&self) -> Result<Arc<dyn Store>, Failure> {
        self.store.get_or_try_init(|| self.open_to_read()).await.cloned()
    }

    async fn open_to_read(&self) -> Result<Arc<dyn Store>, Failure> {
        let Foundation {
            store,
            master_keys,
            place: _,
        } = self.foundation().await?;
        let unlock = UnlockInstallation {
            store: store.as_ref(),
            master_keys: &master_keys,
        };
        match unlock.run().await {
            Ok(_) => {}
            Err(error @ (InstallationError::NotInitialised | InstallationError::Store(_))) => {
                return Err(self.not_usable(error).await);
            }
            Err(error) => self
                .printer
                .remark(&format!("warning: {error}; private keys cannot be used")),
        }
        Ok(store)
    }

    /// Whether there is no installation at all, rather than one with a fault.
    pub(crate) async fn no_installation_yet(&self) -> bool {
        match self.wiring.schema().status().await {
            Ok(status) => !status.exists,
            Err(_) => false,
        }
    }

    /// The store and the installation in it, for what needs no master key.
    pub(crate) async fn looking(&self) -> Result<(Arc<dyn Store>, Installation), Failure> {
        let store = self.reading().await?;
        let mut snapshot = store.snapshot().await.map_err(InstallationError::from)?;
        let installation = snapshot.installation().await.map_err(InstallationError::from)?;
        drop(snapshot);
        match installation {
            Some(installation) => Ok((store, installation)),
            None => Err(self.not_usable(InstallationError::NotInitialised).await),
        }
    }

    async fn foundation(&self) -> Result<Foundation, Failure> {
        match self.wiring.open().await {
            Err(failure) if self.no_installation_yet().await => Err(self.not_made_here(failure).await),
            opened => opened,
        }
    }

    async fn not_usable(&self, error: InstallationError) -> Failure {
        match error {
            InstallationError::NotInitialised => self.not_made_here(error.into()).await,
            other => other.into(),
        }
    }

    /// There is no installation. On a backup server nobody is told to make one: it is at the manager.
    async fn not_made_here(&self, failure: Failure) -> Failure {
        match self.is_backup_server().await {
            true => Failure {
                fix: "this is a backup server; that step is done at the manager".to_owned(),
                ..failure
            },
            false => failure,
        }
    }

    /// Whether this machine has an identity as a backup server, as far as that can be read.
    async fn is_backup_server(&self) -> bool {
        let state = ServerState {
            folder: self.tools().server_folder.as_ref(),
        };
        matches!(state.show().await, Ok(state) if state.identity.is_some())
    }

    /// What the manager of an installation believes.
    pub(crate) fn trust<'b>(&'b self, installation: &'b Installation) -> Trust<'b> {
        Trust {
            installation,
            signing: self.tools().signing.as_ref(),
            ssh: self.tools().ssh.as_ref(),
        }
    }

    /// What changes of servers, officers and policy are signed with.
    pub(crate) fn register<'b>(&'b self, opened: &'b OpenInstallation) -> RegisterAccess<'b> {
        RegisterAccess {
            installation: &opened.installation,
            master_key: opened.master_key.as_ref(),
            signing: self.tools().signing.as_ref(),
        }
    }

    /// What `--server-certificate` says.
    pub(crate) fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Users, tokens and codes.
    pub(crate) fn records<'b>(&'b self, opened: &'b OpenInstallation) -> RecordAccess<'b> {
        RecordAccess {
            store: opened.store.as_ref(),
            installation: &opened.installation,
            master_key: opened.master_key.as_ref(),
            signing: self.tools().signing.as_ref(),
            clock: self.tools().clock.as_ref(),
        }
    }

    pub(crate) fn exporter<'b>(
        &'b self,
        store: &'b dyn Store,
        master_key: &'b dyn MasterKey,
    ) -> ExportKeysets<'b> {
        let tools = self.tools();
        ExportKeysets {
            store,
            master_key,
            rsa: tools.rsa.as_ref(),
            codec: Arc::clone(&tools.codec),
            clock: tools.clock.as_ref(),
            randomness: tools.randomness.as_ref(),
        }
    }

    pub(crate) fn key_access<'b>(&'b self, installation: &'b OpenInstallation) -> KeysetAccess<'b> {
        KeysetAccess {
            store: installation.store.as_ref(),
            master_key: installation.master_key.as_ref(),
            rsa: self.tools().rsa.as_ref(),
            clock: self.tools().clock.as_ref(),
        }
    }

    pub(crate) fn bits(&self, asked: Option<u64>) -> Result<GenerateBits, Failure> {
        bits(asked.unwrap_or(self.tools().default_bits))
    }
}

fn no_token() -> Failure {
    Failure::new(
        keystead_application::Status::NotUnlocked,
        "the manager was not asked",
        "no token was given",
        "give --token-file FILE, or the token in KEYSTEAD_TOKEN; an admin makes one with: keystead token create",
    )
}

/// Reads how a person names a keyset.
pub(crate) fn reference(text: &str) -> Result<KeysetReference, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(
            error,
            "name a keyset by its id, by 8 digits or more of its fingerprint, or \"active\"",
        )
    })
}

/// Reads a size.
pub(crate) fn bits(asked: u64) -> Result<GenerateBits, Failure> {
    GenerateBits::try_from(asked)
        .map_err(|error| Failure::usage(error, "give --bits 2048, 3072, 4096 or 8192"))
}

/// Reads a reason.
pub(crate) fn reason(text: &str) -> Result<Reason, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "give one line of up to 200 characters"))
}

/// Reads a person's name.
pub(crate) fn person(text: &str) -> Result<PersonName, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "give one line of up to 200 characters"))
}

/// Reads a hint.
pub(crate) fn hint(text: &str) -> Result<Hint, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "give one line of up to 200 characters"))
}
