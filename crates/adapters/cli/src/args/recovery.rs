use std::path::PathBuf;

use clap::{Args, Subcommand};
use keystead_domain::{MAX_REQUEST_LIFETIME, REQUEST_LIFETIME};

/// How many days a request holds when nobody says otherwise.
pub(crate) const DAYS: u32 = (REQUEST_LIFETIME.as_secs() / (24 * 3600)) as u32;
const MOST_DAYS: i64 = (MAX_REQUEST_LIFETIME.as_secs() / (24 * 3600)) as i64;

/// Where a text goes.
#[derive(Debug, Args)]
pub(crate) struct TextOutArgs {
    /// Where to write the text; standard output when absent or "-".
    #[arg(long, short = 'o', value_name = "OUT")]
    pub(crate) out: Option<String>,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Enrol a backup server with a manager: do the next step, whichever it is
    ///
    /// Without FILE, on the backup server: make its identity and the text that enrols it. With that text, on the manager: enrol
    /// the server and write a confirmation. With that confirmation, on the backup server: trust the manager. Each text is
    /// believed only when its fingerprint was compared.
    ///
    /// With --manager, on the backup server: all of it over the network, with a code from keystead server code.
    Enroll(EnrollArgs),
    /// List the backup servers that are enrolled; on a backup server: itself
    List,
    /// Show a backup server with all its identities; on a backup server: itself
    Show {
        /// Id or name; this machine itself when absent.
        #[arg(value_name = "SERVER")]
        server: Option<String>,
    },
    /// Take a backup server off: its requests are refused from now on
    Remove {
        /// Id or name.
        #[arg(value_name = "SERVER")]
        server: String,
        /// Why; kept in the audit trail.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Give a backup server another identity, after it was rebuilt; the one before is kept as retired
    ReEnroll(ReEnrollArgs),
    /// Make a one-time code that enrols one backup server over the network
    ///
    /// It is printed once, and holds for an hour. On the backup server: keystead server enroll --manager URL
    Code {
        /// What the server is called here; what it calls itself when absent.
        #[arg(long, value_name = "NAME", conflicts_with = "again")]
        name: Option<String>,
        /// Id or name of a server that was rebuilt, and gets another identity by the code.
        #[arg(long = "for", value_name = "SERVER")]
        again: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("other_side").args(["file", "manager"]))]
pub(crate) struct EnrollArgs {
    /// The text of the other side; standard input when "-".
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<String>,
    /// Name of the backup server; when absent, what the manager that it trusts calls it, else its host name.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The fingerprint that the other side read aloud; 16 digits or more. Without a terminal it must be given.
    #[arg(long, value_name = "FP", requires = "other_side")]
    pub(crate) expect_fingerprint: Option<String>,
    /// Enrol with the manager that serves its API there: https://HOST:PORT.
    #[arg(long, value_name = "URL", conflicts_with_all = ["file", "out"])]
    pub(crate) manager: Option<String>,
    /// File with the one-time code of the manager; it can be in KEYSTEAD_CODE, and is asked for else.
    #[arg(long, value_name = "FILE", requires = "manager")]
    pub(crate) code_file: Option<PathBuf>,
    /// Make a new identity for this backup server; the one before is kept.
    #[arg(long, conflicts_with = "file")]
    pub(crate) new_identity: bool,
    #[command(flatten)]
    pub(crate) text: TextOutArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReEnrollArgs {
    /// Id or name.
    #[arg(value_name = "SERVER")]
    pub(crate) server: String,
    /// The text that keystead server enroll wrote on the rebuilt server; standard input when "-".
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
    /// The fingerprint that the other side read aloud; 16 digits or more. Without a terminal it must be given.
    #[arg(long, value_name = "FP")]
    pub(crate) expect_fingerprint: Option<String>,
    #[command(flatten)]
    pub(crate) text: TextOutArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OfficerCommand {
    /// Add a person who may approve recovery requests
    Add {
        /// The person's name.
        #[arg(value_name = "NAME")]
        name: String,
        /// The person's public SSH key: a line, or a .pub file.
        #[arg(long, value_name = "LINE|FILE")]
        key: String,
        /// What the person is called elsewhere, such as a user name on backup servers; nobody approves an own request. May be
        /// repeated.
        #[arg(long, value_name = "NAME")]
        also: Vec<String>,
    },
    /// List the officers
    List,
    /// Take a person off: approvals of this person do not count any more
    Remove {
        /// Name or id.
        #[arg(value_name = "OFFICER")]
        officer: String,
        /// Why; kept in the audit trail.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the rules for recoveries
    Show,
    /// Change the rules for recoveries
    Set(PolicySetArgs),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct PolicySetArgs {
    /// How many distinct officers have to approve a request.
    #[arg(long, value_name = "N")]
    pub(crate) approvals: Option<u32>,
    /// How long a response can be used, in hours.
    #[arg(long, value_name = "HOURS")]
    pub(crate) response_hours: Option<u32>,
    /// How many requests of one backup server are taken within 24 hours.
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_day: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecoveryCommand {
    /// Backup server: ask for the keys of sealed files whose password is lost
    Request(RequestArgs),
    /// Manager: take in a request
    Receive {
        /// The text of the request; standard input when absent or "-".
        #[arg(value_name = "FILE")]
        file: Option<String>,
    },
    /// List requests, the newest first
    List {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Manager: show who asks, for what, and which keysets are needed
    Show {
        /// Id, or 8 or more of its first digits.
        #[arg(value_name = "REQUEST")]
        request: String,
        /// Print the text that officers sign, and nothing else.
        #[arg(long)]
        statement: bool,
        #[command(flatten)]
        allow: AllowArgs,
    },
    /// Manager: approve a request with an officer's SSH key
    Approve(ApproveArgs),
    /// Manager: deny a request, for good
    Deny {
        /// Id, or 8 or more of its first digits.
        #[arg(value_name = "REQUEST")]
        request: String,
        /// Why; kept in the audit trail.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who decided; the user at the command line when absent.
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
    /// Manager: answer an approved request
    Respond {
        /// Id, or 8 or more of its first digits.
        #[arg(value_name = "REQUEST")]
        request: String,
        /// Answer what can be answered; for the rest the server makes a new request later.
        #[arg(long)]
        partial: bool,
        #[command(flatten)]
        text: TextOutArgs,
    },
    /// Backup server: apply a response, and open the files
    Apply(ApplyArgs),
}

/// What an officer allows beyond the usual.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct AllowArgs {
    /// Allow files that do not name the server that sealed them.
    #[arg(long)]
    pub(crate) allow_unnamed: bool,
    /// Allow files that another server sealed.
    #[arg(long)]
    pub(crate) allow_other_servers: bool,
    /// Allow a request that is signed by an identity that was retired.
    #[arg(long)]
    pub(crate) allow_retired_identity: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// The sealed files, tapes or URLs; "-" is standard input.
    #[arg(value_name = "IN")]
    pub(crate) inputs: Vec<String>,
    /// A file with one path or URL in each line; "-" is standard input. May be given beside IN.
    #[arg(long, value_name = "FILE")]
    pub(crate) files_from: Option<String>,
    /// What for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Who asks; the user at the command line when absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) asked_by: Option<String>,
    /// How many days the request holds.
    #[arg(long, value_name = "DAYS", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=MOST_DAYS))]
    pub(crate) valid_days: u32,
    /// Send it to the manager that this machine is enrolled with; its text is written only with -o.
    #[arg(long)]
    pub(crate) send: bool,
    #[command(flatten)]
    pub(crate) text: TextOutArgs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("proof").args(["key", "signature"]))]
pub(crate) struct ApproveArgs {
    /// Id, or 8 or more of its first digits.
    #[arg(value_name = "REQUEST")]
    pub(crate) request: String,
    /// The officer's SSH key file; the .pub file when an agent or a security key holds it. ssh-keygen signs with it.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A signature that the officer made elsewhere, over what keystead recovery show REQUEST --statement prints, with:
    /// ssh-keygen -Y sign -n keystead-recovery-approval -f KEY STATEMENT; "-" is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<String>,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The text of the response, or the id of a request whose response was applied before; standard input when absent or "-".
    #[arg(value_name = "RESPONSE|REQUEST")]
    pub(crate) response: Option<String>,
    /// Fetch the response from the manager that this machine is enrolled with: id of the request, or 8 or more of its first
    /// digits.
    #[arg(long, value_name = "REQUEST", conflicts_with = "response")]
    pub(crate) fetch: Option<String>,
    /// Folder to open the files into, each under its name without ".age".
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    pub(crate) into: Option<String>,
    /// Where to write the content of the one file; "-" is standard output.
    #[arg(long, short = 'o', value_name = "OUT")]
    pub(crate) out: Option<String>,
    /// Where a sealed file is now: a file, tape or URL; "-" is standard input. Those of the request are read where they were
    /// when this is absent. May be repeated.
    #[arg(long, value_name = "IN")]
    pub(crate) from: Vec<String>,
}
