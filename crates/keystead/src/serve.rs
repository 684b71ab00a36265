//! The service: the API over HTTP, and the jobs.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use keystead_application::ports::Schema;
use keystead_application::{Explain, Foundation, Status, Tools};
use keystead_cli::Failure;
use keystead_http::{Service, ServiceOptions, router, run_jobs};
use keystead_listener::{Certificates, Limits, ListenOptions, Listener, TlsFiles, write_self_signed};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::configuration::{ServeSettings, TlsSettings, address};
use crate::interrupt::interrupted;

/// What is served.
pub(crate) struct Served {
    pub(crate) tools: Arc<Tools>,
    pub(crate) foundation: Foundation,
    pub(crate) schema: Arc<dyn Schema>,
}

/// Serves until the process is told to stop; what is under way ends in good order then.
pub(crate) async fn serve(
    served: Served,
    settings: &ServeSettings,
    listen: Option<&str>,
) -> Result<(), Failure> {
    let at = match listen {
        Some(text) => address(text).map_err(|error| {
            let what = "the command cannot be carried out as it was given";
            Failure::new(
                Status::Usage,
                what,
                format!("{error:#}"),
                "give --listen ADDRESS:PORT",
            )
        })?,
        None => settings.listen,
    };
    check_plain(settings, at)?;
    let now = served.tools.clock.now();
    let options = ServiceOptions {
        secure_cookies: settings.behind_https || !matches!(settings.tls, TlsSettings::Off),
        trusted_proxies: settings.trusted_proxies.clone(),
        deadline: settings.deadline,
        long_deadline: settings.long_deadline,
    };
    let Served {
        tools,
        foundation,
        schema,
    } = served;
    let place = foundation.place.clone();
    let service = Arc::new(Service::new(tools, foundation, schema, options).map_err(explained)?);
    // Whoever cannot be served is told before anything is listened at.
    let code = service.first_admin_code().await.map_err(explained)?;
    let tls = files(&settings.tls, now)?;
    let listener = Listener::bind(ListenOptions {
        address: at,
        tls,
        limits: Limits {
            connections: settings.max_connections,
            per_address: settings.max_connections_per_address,
            ..Limits::default()
        },
    });
    let listener = listener.await.map_err(explained)?;
    greet(&listener, &place, code.as_ref().map(|code| code.text.expose()))?;
    reload_on_hangup(listener.certificates());

    let (stop, stopped) = watch::channel(false);
    let jobs = tokio::spawn(run_jobs(Arc::clone(&service), until(stopped.clone())));
    let signals = tokio::spawn(async move {
        interrupted().await;
        tracing::info!("stopping: what is under way is finished");
        // Nobody waits for it any more when this fails.
        let _ = stop.send(true);
    });
    listener
        .serve(router(service), until(stopped), settings.stop)
        .await;
    // A job that does not end in time is taken over by another process, or by this one when it starts again.
    if tokio::time::timeout(settings.stop, jobs).await.is_err() {
        tracing::warn!("a job was left unfinished; it is begun again by the next process");
    }
    signals.abort();
    Ok(())
}

fn explained(error: impl Explain) -> Failure {
    Failure::from(error)
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that nobody can say stop any more.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Passwords and tokens do not cross a network in the clear, unless somebody said so.
fn check_plain(settings: &ServeSettings, at: SocketAddr) -> Result<(), Failure> {
    let is_plain = matches!(settings.tls, TlsSettings::Off);
    match is_plain && !at.ip().is_loopback() && !settings.insecure {
        false => Ok(()),
        true => Err(Failure::new(
            Status::Refused,
            "the service was not started",
            format!(
                "TLS is off, and {at} can be reached from other machines: they would send passwords in the clear"
            ),
            "set serve.tls = \"on\", or listen at 127.0.0.1 behind a proxy that speaks TLS",
        )),
    }
}

fn files(tls: &TlsSettings, now: keystead_domain::Timestamp) -> Result<Option<TlsFiles>, Failure> {
    match tls {
        TlsSettings::Off => Ok(None),
        TlsSettings::Files {
            certificate,
            private_key,
        } => Ok(Some(TlsFiles {
            certificate: certificate.clone(),
            private_key: private_key.clone(),
        })),
        TlsSettings::SelfSigned { folder, names } => {
            let names = match names.is_empty() {
                true => own_names(),
                false => names.clone(),
            };
            Ok(Some(
                write_self_signed(folder, &names, now).map_err(explained)?.files,
            ))
        }
    }
}

fn own_names() -> Vec<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !host.is_empty() && host != "localhost" {
        names.insert(0, host);
    }
    names
}

/// What somebody needs to know who started the service.
fn greet(listener: &Listener, place: &str, code: Option<&[u8]>) -> Result<(), Failure> {
    let fingerprint = listener.certificate_fingerprint();
    let scheme = if fingerprint.is_some() { "https" } else { "http" };
    let at = listener.local_address();
    let mut text = format!("keystead serves {scheme}://{at}\ndatabase: {place}\n");
    if let Some(fingerprint) = fingerprint {
        text.push_str(&format!("certificate: {fingerprint}\n"));
    }
    if let Some(code) = code {
        text.push_str(&format!(
            "there is no user yet; the one-time code for the first admin, good for 24 hours: {}\n",
            String::from_utf8_lossy(code)
        ));
    }
    text.push_str("ready\n");
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            Failure::new(
                Status::Refused,
                "the service was not started",
                format!("what there is to know could not be printed: {error}"),
                "check what the command is connected to",
            )
        })
}

/// Certificates are read again when they change; with SIGHUP, at once.
fn reload_on_hangup(certificates: Option<Certificates>) {
    let (Some(certificates), Ok(mut hangup)) = (certificates, signal(SignalKind::hangup())) else {
        return;
    };
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match certificates.reload().await {
                Ok(true) => tracing::info!(
                    fingerprint = certificates.fingerprint(),
                    "another certificate is used now"
                ),
                Ok(false) => tracing::info!("the certificate is the same as before"),
                Err(error) => tracing::error!(%error, "the certificate before is still used"),
            }
        }
    });
}
