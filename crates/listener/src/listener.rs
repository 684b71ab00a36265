use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tower_service::Service;

use crate::connection::{self, Http};
use crate::crowd::Crowd;
use crate::seldom::Seldom;
use crate::{Certificates, Limits, ListenError, ListenOptions, descriptors};

/// How many connections wait at the operating system until they are taken; it may have a limit of its own.
const BACKLOG: u32 = 4096;
/// How long to wait when the operating system gives no connection because something has run out.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How long what was broken off may take to be gone.
const CUT: Duration = Duration::from_secs(2);

/// What listens on an address.
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    certificates: Option<Certificates>,
    limits: Limits,
}

impl Listener {
    /// Reads the certificate and takes the address. Clients can connect from now on, and wait until [`Listener::serve`].
    ///
    /// Also raises this process's limit for open files as far as it may be raised.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn bind(options: ListenOptions) -> Result<Self, ListenError> {
        let ListenOptions {
            address,
            tls,
            mut limits,
        } = options;
        limits.check()?;
        limits.connections = descriptors::connections(limits.connections);
        let read = tls.map(|files| tokio::task::spawn_blocking(move || Certificates::read(files)));
        let certificates = match read {
            Some(read) => Some(
                read.await
                    .map_err(|e| ListenError::address(address, &e.into()))??,
            ),
            None => None,
        };
        let bound = |e: io::Error| ListenError::address(address, &e);
        let tcp = listen(address).map_err(bound)?;
        let address = tcp.local_addr().map_err(bound)?;
        Ok(Self {
            tcp,
            address,
            certificates,
            limits,
        })
    }

    /// The address and port that clients connect to.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that is in use, and the means to use another one; `None` without TLS.
    #[must_use]
    pub fn certificates(&self) -> Option<Certificates> {
        self.certificates.clone()
    }

    /// Lower-case hex SHA-256 of the certificate's DER, what `openssl x509 -outform DER | sha256sum` prints; `None` without
    /// TLS.
    #[must_use]
    pub fn certificate_fingerprint(&self) -> Option<String> {
        self.certificates.as_ref().map(Certificates::fingerprint)
    }

    /// Serves clients until `shutdown` is ready. Then no new connection is taken, requests that are under way are answered,
    /// and what is not over after `grace` is broken off. When this is dropped, everything is broken off at once.
    ///
    /// Each request has in its extensions the client's address as [`ConnectInfo<SocketAddr>`] and its
    /// [`Transport`](crate::Transport). A request that is broken off, by whomever, is dropped by its service.
    ///
    /// [`ConnectInfo<SocketAddr>`]: axum::extract::ConnectInfo
    pub async fn serve<S>(self, service: S, shutdown: impl Future<Output = ()> + Send, grace: Duration)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let crowd = Serving(Crowd::new(self.limits.connections, self.limits.per_address));
        {
            let accepting = pin!(self.accept(&crowd.0, service));
            let watching = async {
                match self.certificates() {
                    Some(certificates) => certificates.watch().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown => {}
                () = accepting => {}
                () = watching => {}
            }
        }
        drop(self.tcp);
        let crowd = &crowd.0;
        crowd.finish();
        if timeout(grace, crowd.gone()).await.is_err() {
            tracing::warn!(
                connections = crowd.count(),
                "requests that were not over in time are broken off, because this process is to end"
            );
            crowd.cut();
            let _ = timeout(CUT, crowd.gone()).await;
        }
    }

    /// Takes connections and never ends.
    async fn accept<S>(&self, crowd: &Arc<Crowd>, service: S)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let http = Arc::new(Http::new(self.limits.clone()));
        let (mut exhausted, mut refused) = (Seldom::default(), Seldom::default());
        loop {
            let (stream, peer) = match self.tcp.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_the_client(&error) => continue,
                Err(error) => {
                    // This process has too many files open, or the system has. That passes when connections end.
                    crowd.give_way();
                    if let Some(times) = exhausted.says() {
                        let connections = crowd.count();
                        tracing::error!(%error, times, connections, "no connection can be taken; it is tried again");
                    }
                    sleep(EXHAUSTED).await;
                    continue;
                }
            };
            let Some(place) = crowd.admit(peer.ip()).await else {
                if let Some(times) = refused.says() {
                    tracing::warn!(
                        %peer,
                        times,
                        "a connection is refused, because all that its address may have are busy; where clients share a \
                         proxy, raise the limit for one address"
                    );
                }
                continue;
            };
            watch_over(&stream);
            let tls = self.certificates.as_ref().map(Certificates::config);
            let (http, service) = (Arc::clone(&http), service.clone());
            tokio::spawn(connection::serve(stream, peer, place, tls, http, service));
        }
    }
}

/// Connections do not outlive what serves them.
struct Serving(Arc<Crowd>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.cut();
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // So that a process can take the place of one that has just ended.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// That a client went away before it was taken is nobody's trouble.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// Answers go out at once, and a client that has silently vanished is noticed. Neither is worth refusing a connection for.
fn watch_over(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, Duration::from_secs(30));
    let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10));
    let _ = sockopt::set_tcp_keepcnt(stream, 3);
}
