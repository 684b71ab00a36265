use tracing_subscriber::EnvFilter;

use crate::configuration::LogForm;

/// Starts logging to standard error: warnings, and with each `-v` more. A service says of each request that it answered it,
/// in the form that its settings name.
pub(crate) fn start(verbose: u8, service: Option<LogForm>) {
    let level = match (verbose, service) {
        // What a pool of connections remarks about itself is nothing for the person at the command line.
        (0, None) => "warn,sqlx=error",
        (0, Some(_)) => "warn,sqlx=error,keystead=info",
        (1, _) => "info,sea_orm_migration=warn",
        (2, _) => "debug",
        _ => "trace",
    };
    let logs = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match service {
        Some(LogForm::Json) => logs.json().flatten_event(true).with_current_span(false).init(),
        Some(LogForm::Text) | None => logs.init(),
    }
}
