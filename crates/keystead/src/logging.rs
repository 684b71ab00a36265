use tracing_subscriber::EnvFilter;

/// Starts logging to standard error: warnings, and with each `-v` more.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        // What a pool of connections remarks about itself is nothing for the person at the command line.
        0 => "warn,sqlx=error",
        1 => "info,sea_orm_migration=warn",
        2 => "debug",
        _ => "trace",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}
