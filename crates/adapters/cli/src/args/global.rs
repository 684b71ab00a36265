use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments that every command takes.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Configuration file, read after /etc/keystead/keystead.toml.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Form of the output.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Global options"
    )]
    pub output: OutputForm,
    /// Print results only, no remarks and no progress.
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Log to standard error; repeat for more (-vv, -vvv).
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
    /// Do it at the manager that serves its API there: https://HOST:PORT.
    // Commands have arguments of that name.
    #[arg(
        long = "server",
        id = "api_server",
        global = true,
        value_name = "URL",
        env = "KEYSTEAD_SERVER",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub server: Option<String>,
    /// File with the token for it; the token itself can be in KEYSTEAD_TOKEN.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "KEYSTEAD_TOKEN_FILE",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub token_file: Option<PathBuf>,
    /// SHA-256 fingerprint of its certificate, or a file with certificates in PEM, instead of the system's authorities.
    #[arg(
        long,
        global = true,
        value_name = "FINGERPRINT|FILE",
        env = "KEYSTEAD_SERVER_CERTIFICATE",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub server_certificate: Option<String>,
}

impl GlobalArgs {
    /// Whether JSON was asked for.
    #[must_use]
    pub fn json(&self) -> bool {
        self.output == OutputForm::Json
    }
}

/// Forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OutputForm {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}
