use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ProtectionArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysetCommand {
    /// List keysets, oldest first
    List(ListArgs),
    /// Show one keyset
    Show(ShowArgs),
    /// Generate a keyset; it is Inactive until activated
    Create(CreateArgs),
    /// Make a keyset the Active one
    Activate(ActivateArgs),
    /// Change the hint of a keyset
    Edit(EditArgs),
    /// Delete an Inactive keyset, private key and all
    Delete(DeleteArgs),
    /// Export keysets to PEM
    Export(ExportArgs),
    /// Look into an export; stores nothing
    Inspect(InspectArgs),
    /// Import the keysets of an export; they are Inactive
    Import(ImportArgs),
    /// Print the line that machines seal to
    Recipient(RecipientArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// At most this many keysets.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Id, beginning of the fingerprint (8 digits or more), or "active".
    #[arg(value_name = "KEYSET")]
    pub(crate) keyset: String,
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What tells people which keyset this is; travels in its export.
    #[arg(long, value_name = "TEXT")]
    pub(crate) hint: String,
    /// Size: 2048, 3072, 4096 or 8192.
    #[arg(long, value_name = "BITS")]
    pub(crate) bits: Option<u64>,
    /// Activate it at once.
    #[arg(long)]
    pub(crate) activate: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ActivateArgs {
    /// Id or beginning of the fingerprint (8 digits or more).
    #[arg(value_name = "KEYSET")]
    pub(crate) keyset: String,
}

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// Id, beginning of the fingerprint (8 digits or more), or "active".
    #[arg(value_name = "KEYSET")]
    pub(crate) keyset: String,
    /// The new hint.
    #[arg(long, value_name = "TEXT")]
    pub(crate) hint: String,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Id or beginning of the fingerprint (8 digits or more).
    #[arg(value_name = "KEYSET")]
    pub(crate) keyset: String,
    /// Delete it although it was never exported.
    #[arg(long, requires = "reason")]
    pub(crate) force: bool,
    /// Why; kept in the audit trail.
    #[arg(long, value_name = "TEXT", requires = "force")]
    pub(crate) reason: Option<String>,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Ids, beginnings of fingerprints (8 digits or more), or "active".
    #[arg(
        value_name = "KEYSET",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub(crate) keysets: Vec<String>,
    /// Export every keyset.
    #[arg(long)]
    pub(crate) all: bool,
    /// File, folder (one file for each keyset) or "-" for standard output.
    #[arg(long, value_name = "DEST")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
    /// Replace a file that exists.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The exported file; standard input when "-".
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// File that holds the passphrase; with it, the private keys are checked too.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The exported file; standard input when "-".
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// File that holds the passphrase of the export.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Hint to give, instead of the one in the file.
    #[arg(long, value_name = "TEXT")]
    pub(crate) hint: Option<String>,
    /// Refuse a file that holds another keyset; 16 digits or more. Repeat for each keyset of the file.
    #[arg(long, value_name = "FP")]
    pub(crate) expect_fingerprint: Vec<String>,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RecipientArgs {
    /// Id, beginning of the fingerprint (8 digits or more), or "active".
    #[arg(value_name = "KEYSET", default_value = "active")]
    pub(crate) keyset: String,
}
