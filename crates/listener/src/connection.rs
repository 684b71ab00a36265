use std::convert::Infallible;
use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use axum::body::Body;
use futures_util::FutureExt;
use http::{Request, Response};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::Limits;
use crate::crowd::Place;
use crate::pulse::{Pulse, Speaks, Step};
use crate::service::{OfConnection, Transport};
use crate::watched::Watched;

/// What a request's body may take of memory until somebody reads it, on HTTP/2: for one, and for all of a connection.
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 512 * 1024;
/// What a response's body may take of memory until the client reads it.
const SEND_BUFFER: usize = 64 * 1024;
/// How many requests that were taken back may wait for this process to notice, and how many it may have to take back itself
/// for a client's mistakes, on one HTTP/2 connection.
const HTTP2_PENDING_RESETS: usize = 20;
const HTTP2_MISTAKES: usize = 100;

/// How HTTP is spoken, on all connections.
pub(crate) struct Http {
    limits: Limits,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Http {
    pub(crate) fn new(limits: Limits) -> Self {
        let header_bytes = limits.max_header_bytes;
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            // Time limits are the pulse's.
            .header_read_timeout(None)
            .max_headers(limits.max_headers)
            .max_header_size(header_bytes as usize)
            .max_buf_size(SEND_BUFFER.max(header_bytes as usize + 1024));
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.http2_streams)
            .max_header_list_size(header_bytes)
            .initial_stream_window_size(HTTP2_STREAM_WINDOW)
            .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS)
            .max_local_error_reset_streams(HTTP2_MISTAKES);
        Self { limits, http1, http2 }
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S>(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    tls: Option<Arc<ServerConfig>>,
    http: Arc<Http>,
    service: S,
) where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let stream = Watched::new(stream, Arc::clone(&place.pulse), http.limits.write_timeout);
    let service = OfConnection {
        service,
        pulse: Arc::clone(&place.pulse),
        peer,
        transport: tls.as_ref().map_or(Transport::Plain, |_| Transport::Tls),
        max_headers: http.limits.max_headers,
    };
    let ended = match tls {
        None => http.speak_http1(stream, service).await,
        Some(config) => http.speak_tls(stream, config, service).await,
    };
    if let Err(why) = ended {
        tracing::debug!(%peer, why, "a connection was ended");
    }
}

impl Http {
    async fn speak_tls<S>(
        &self,
        stream: Watched,
        config: Arc<ServerConfig>,
        service: OfConnection<S>,
    ) -> Result<(), String>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let handshake = timeout(
            self.limits.handshake_timeout,
            TlsAcceptor::from(config).accept(stream),
        );
        let stream = tokio::select! {
            stream = handshake => stream,
            () = service.pulse.ends() => return Ok(()),
        };
        let stream = stream
            .map_err(|_| "TLS did not come about in time".to_owned())?
            .map_err(|e| format!("TLS did not come about ({e})"))?;
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => self.speak_http2(stream, service).await,
            _ => self.speak_http1(stream, service).await,
        }
    }

    async fn speak_http1<T, S>(&self, stream: T, service: OfConnection<S>) -> Result<(), String>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let pulse = Arc::clone(&service.pulse);
        pulse.speaks(Speaks::Http1);
        let connection = self.http1.serve_connection(TokioIo::new(stream), service);
        drive(Box::pin(connection), &pulse, &self.limits).await
    }

    async fn speak_http2<T, S>(&self, stream: T, service: OfConnection<S>) -> Result<(), String>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let pulse = Arc::clone(&service.pulse);
        pulse.speaks(Speaks::Http2);
        let connection = self.http2.serve_connection(TokioIo::new(stream), service);
        drive(Box::pin(connection), &pulse, &self.limits).await
    }
}

/// Lets a connection go on as long as its pulse says that it may.
async fn drive<C>(mut connection: Pin<Box<C>>, pulse: &Pulse, limits: &Limits) -> Result<(), String>
where
    C: GracefulConnection,
    C::Error: Display,
{
    let mut look_again = pin!(sleep_until(Instant::now()));
    let mut finishes = false;
    loop {
        let until = match pulse.step(limits) {
            Step::GoOn(until) => until,
            Step::Finish(until) => {
                if !finishes {
                    finishes = true;
                    connection.as_mut().graceful_shutdown();
                }
                until
            }
            Step::Leave(why) => {
                // What is finished goes out, and the client is told, as far as that needs no waiting.
                connection.as_mut().graceful_shutdown();
                let _ = connection.now_or_never();
                return Err(why.to_owned());
            }
        };
        look_again.as_mut().reset(until);
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended.map_err(|e| e.to_string()),
            () = pulse.changed() => {}
            () = look_again.as_mut() => {}
        }
    }
}
