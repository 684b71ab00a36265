//! What can be typed.

mod access;
mod global;
mod keyset;
mod recovery;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use access::{ServeArgs, TokenCommand, UserCommand};
pub(crate) use global::GlobalArgs;
pub(crate) use keyset::{
    ActivateArgs, CreateArgs, DeleteArgs, EditArgs, ExportArgs, ImportArgs, InspectArgs, KeysetCommand,
    ListArgs, RecipientArgs, ShowArgs,
};

pub(crate) use recovery::{
    AllowArgs, ApplyArgs, ApproveArgs, DAYS, EnrollArgs, OfficerCommand, PolicyCommand, PolicySetArgs,
    ReEnrollArgs, RecoveryCommand, RequestArgs, ServerCommand, TextOutArgs,
};

/// Keeps encrypted backups openable after the password is lost.
#[derive(Debug, Parser)]
#[command(
    name = "keystead",
    version,
    about,
    arg_required_else_help = true,
    propagate_version = true
)]
pub struct Cli {
    /// Arguments that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Whether this is the command that serves, and so stops by itself when it is told to.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(self.command, Command::Serve(_))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new installation: database, master key, identity and a first keyset, which is Active
    Init(InitArgs),
    /// Manage keysets
    #[command(subcommand)]
    Keyset(KeysetCommand),
    /// Seal a backup to the Active keyset and a password
    Seal(SealArgs),
    /// Open a backup, with a keyset or the password
    Open(OpenArgs),
    /// List which keysets and passwords open a sealed file
    Slots(SlotsArgs),
    /// Enrol backup servers with a manager
    #[command(subcommand)]
    Server(ServerCommand),
    /// Look after the people who approve recovery requests
    #[command(subcommand)]
    Officer(OfficerCommand),
    /// Open backups whose password is lost, without the private key leaving the manager
    ///
    /// Without a subcommand, at a terminal, it leads through the steps.
    Recovery {
        #[command(subcommand)]
        command: Option<RecoveryCommand>,
    },
    /// Look at and change the rules for recoveries
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Look at the audit trail, verify and export it
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Look after the people who may sign in at the API
    #[command(subcommand)]
    User(UserCommand),
    /// Look after the tokens that programs sign in at the API with
    #[command(subcommand)]
    Token(TokenCommand),
    /// Serve the API, until it is stopped
    Serve(ServeArgs),
    /// Look after the master key
    #[command(subcommand)]
    MasterKey(MasterKeyCommand),
    /// Look after the database
    #[command(subcommand)]
    Db(DbCommand),
    /// Look at the file shares that the configuration names, and try them out
    #[command(subcommand)]
    Share(ShareCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page, or write all pages into a folder
    Man {
        /// Write keystead.1 and a page for each command into this folder.
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

impl Command {
    /// Whether this machine asks the manager with its own identity.
    pub(crate) fn asks_as_backup_server(&self) -> bool {
        match self {
            Self::Recovery {
                command: Some(RecoveryCommand::Request(args)),
            } => args.send,
            Self::Recovery {
                command: Some(RecoveryCommand::Apply(args)),
            } => args.fetch.is_some(),
            _ => false,
        }
    }
}

#[derive(Debug, Args)]
#[command(mut_arg("passphrase_file", |arg| arg.requires("export_to")))]
#[command(mut_arg("generate_passphrase", |arg| arg.requires("export_to")))]
#[command(mut_arg("unprotected", |arg| arg.requires("export_to")))]
pub(crate) struct InitArgs {
    /// Hint of the first keyset; travels in its export.
    #[arg(long, value_name = "TEXT")]
    pub(crate) hint: Option<String>,
    /// Size of the first keyset: 2048, 3072, 4096 or 8192.
    #[arg(long, value_name = "BITS")]
    pub(crate) bits: Option<u64>,
    /// Export the first keyset to this file or folder.
    #[arg(long, value_name = "DEST")]
    pub(crate) export_to: Option<String>,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
}

/// How an export is protected.
#[derive(Debug, Args)]
#[group(id = "protection", multiple = false)]
pub(crate) struct ProtectionArgs {
    /// Protect the export with the passphrase in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Protect the export with a new strong passphrase, and print it once.
    #[arg(long)]
    pub(crate) generate_passphrase: bool,
    /// Do not protect the export: whoever reads the file can open every backup.
    #[arg(long)]
    pub(crate) unprotected: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SealArgs {
    /// What to seal; standard input when absent or "-".
    #[arg(value_name = "IN")]
    pub(crate) input: Option<String>,
    /// Where to write the sealed file; standard output when absent or "-".
    #[arg(long, short = 'o', value_name = "OUT")]
    pub(crate) out: Option<String>,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// File that holds the password.
    #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
    pub(crate) password_file: Option<PathBuf>,
    /// A reminder of the password; everybody who has the sealed file can read it.
    #[arg(long, value_name = "TEXT", conflicts_with = "no_password")]
    pub(crate) password_hint: Option<String>,
    /// Seal to keysets only.
    #[arg(long)]
    pub(crate) no_password: bool,
    /// Seal to this recipient instead of the Active keyset: an ssh-rsa line, or a file with such lines or public keys in
    /// PEM. May be repeated. A machine without an installation remembers it and seals to it from then on.
    #[arg(long, value_name = "LINE|FILE")]
    pub(crate) recipient: Vec<String>,
    /// Do not remember the recipient.
    #[arg(long, requires = "recipient")]
    pub(crate) no_remember: bool,
    /// Do not read OUT back from a network share to compare it with what was written.
    #[arg(long)]
    pub(crate) no_read_back: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// What to open; standard input when absent or "-".
    #[arg(value_name = "IN")]
    pub(crate) input: Option<String>,
    /// Where to write the content; standard output when absent or "-".
    #[arg(long, short = 'o', value_name = "OUT")]
    pub(crate) out: Option<String>,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Open with the password in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    pub(crate) password_file: Option<PathBuf>,
    /// Open with an exported keyset; needs no installation.
    #[arg(long, value_name = "EXPORT")]
    pub(crate) identity: Option<String>,
    /// File that holds the passphrase of the exported keyset.
    #[arg(long, value_name = "FILE", requires = "identity")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Do not read OUT back from a network share to compare it with what was written.
    #[arg(long)]
    pub(crate) no_read_back: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SlotsArgs {
    /// The sealed file; standard input when "-".
    #[arg(value_name = "IN")]
    pub(crate) input: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List events, oldest first
    List {
        /// Begin after this sequence number.
        #[arg(long, value_name = "SEQUENCE")]
        after: Option<u64>,
        /// At most this many events.
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Find out whether an event was changed, removed, inserted, moved or cut off
    Verify {
        /// A checkpoint or an export of the trail that was kept elsewhere; "-" is standard input. May be repeated.
        #[arg(long, value_name = "FILE")]
        against: Vec<String>,
    },
    /// Sign the trail as it is now; the signed checkpoint is to be kept on another machine
    Checkpoint {
        /// Where to write it; standard output when absent or "-".
        #[arg(long, short = 'o', value_name = "OUT")]
        out: Option<String>,
        /// Replace OUT if it exists.
        #[arg(long)]
        overwrite: bool,
    },
    /// Write the trail as JSON lines, with a signed checkpoint as the last line
    Export {
        /// Where to write it; standard output when absent or "-".
        #[arg(long, short = 'o', value_name = "OUT")]
        out: Option<String>,
        /// Replace OUT if it exists.
        #[arg(long)]
        overwrite: bool,
        /// Begin after this sequence number.
        #[arg(long, value_name = "SEQUENCE")]
        after: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Show which master key holds, whether it opens, and what is sealed under it
    Status,
    /// Seal every private key under a new master key
    ///
    /// A rotation that was interrupted is begun again, with the same new key, by running it again. The old master key is
    /// kept where the command says: old backups of the database need it.
    Rotate {
        /// The provider that keeps the new key: key-file, passphrase, systemd-credential or pkcs11. The present one when
        /// absent.
        #[arg(long, value_name = "PROVIDER")]
        to: Option<String>,
    },
    /// Print a new master key, for a provider whose keys are put there from outside (systemd-creds encrypt)
    Generate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Show where the database is and which migrations it has
    Status,
    /// Bring the schema up to date
    Migrate,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShareCommand {
    /// List the configured shares
    List,
    /// Write, read back, compare, rename and delete a small file, and tell what the share does not promise
    Test {
        /// Name of a configured share, or any folder: share:NAME/folder, a URL, a path.
        #[arg(value_name = "NAME")]
        share: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting
    Show {
        /// Show also where each value comes from.
        #[arg(long)]
        origin: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Cli;

    fn is_taken(line: &str) -> bool {
        Cli::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_that_do_not_fit_together_are_refused() {
        for line in [
            "keystead keyset list --server https://keys --token-file token",
            "keystead server enroll --manager https://keys --code-file code",
            "keystead server enroll --manager https://keys --expect-fingerprint 0011223344556677",
            "keystead server code --name db1",
            "keystead recovery request a.age --send",
            "keystead recovery apply --fetch 00112233 --into out",
            "keystead user add ada --role admin --role auditor",
            "keystead token create nightly --role admin --may-export --days 30",
        ] {
            assert!(is_taken(line), "{line}");
        }
        for line in [
            "keystead server enroll --code-file code",
            "keystead server enroll FILE --manager https://keys",
            "keystead server enroll --manager https://keys -o text",
            "keystead server enroll --expect-fingerprint 0011223344556677",
            "keystead server code --name db1 --for db2",
            "keystead recovery apply RESPONSE --fetch 00112233",
            "keystead user add ada",
            "keystead user edit ada",
            "keystead token create nightly",
            "keystead token create nightly --role admin --days 0",
            "keystead token create nightly --role admin --token secret",
        ] {
            assert!(!is_taken(line), "{line}");
        }
    }
}
