use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List the users
    List,
    /// Add a person who may sign in
    Add {
        /// What the person signs in as: small letters, digits, dots, dashes, underscores and at signs.
        #[arg(value_name = "NAME")]
        name: String,
        /// What the person may do: admin, recovery-officer or auditor. May be repeated.
        #[arg(long, value_name = "ROLE", required = true)]
        role: Vec<String>,
        /// File that holds the first password; it can be in KEYSTEAD_PASSWORD, and is asked for else.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Change what a person may do
    Edit {
        /// What the person signs in as.
        #[arg(value_name = "NAME")]
        name: String,
        /// What the person may do from now on: admin, recovery-officer or auditor. May be repeated.
        #[arg(long, value_name = "ROLE", required = true)]
        role: Vec<String>,
    },
    /// Remove a person: sessions end, and the name is not used again
    Remove {
        /// What the person signs in as.
        #[arg(value_name = "NAME")]
        name: String,
        /// Why; kept in the audit trail.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Set another password; sessions of the person end
    Password {
        /// What the person signs in as.
        #[arg(value_name = "NAME")]
        name: String,
        /// File that holds the password; it can be in KEYSTEAD_PASSWORD, and is asked for else.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Forget wrong passwords, so that the person can sign in at once
    Unlock {
        /// What the person signs in as.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List the tokens, those that are over too
    List,
    /// Make a token, and print it once
    Create {
        /// What it is for.
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do: admin, recovery-officer or auditor.
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// Let it export private keys; only one of the role admin can.
        #[arg(long)]
        may_export: bool,
        /// For how many days it holds; 90 when absent.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=366))]
        days: Option<u32>,
    },
    /// Revoke a token, at once and for good
    Revoke {
        /// Its id.
        #[arg(value_name = "TOKEN")]
        token: String,
        /// Why; kept in the audit trail.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen at, instead of the configured one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
}
