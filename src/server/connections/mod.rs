//! Accepting connections and stopping, with a deadline for everything a client does and a limit for each client's connections.
//!
//! `axum::serve` 0.8 has none of these, so a client that sends nothing, or never reads, would keep its connection, and some
//! hundred such connections would take all files that the process may open. hyper has a deadline for heads only, which begins
//! after the first byte (hyperium/hyper#3962, hyperium/hyper#3756). So each connection has a watch of its own ([`Activity`]).
//!
//! [`Activity`]: activity::Activity

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tower::ServiceExt as _;

/// What a connection has done, and by when it must do something.
mod activity;
/// How long a client may take, and how many connections there may be.
mod limits;
/// All open connections, and which one gives way.
mod registry;
/// The requests of a connection.
mod requests;
/// The bytes of a connection.
mod stream;

pub use self::limits::{Deadlines, Limits, raise_open_files};
use self::{
    activity::Reason,
    registry::{Admitted, Registry},
    requests::{Received, Serving},
    stream::WatchedStream,
};

/// The longest head of a request, in bytes. A landing with 60 KiB of query is still served.
const HEAD_BYTES: usize = 128 * 1024;
/// How many bytes of requests' bodies an HTTP/2 client may send ahead. Forms have up to 16 KiB.
const HTTP2_WINDOW: u32 = 64 * 1024;
/// How many requests of one HTTP/2 connection may be served at the same time. Browsers send few at once.
const HTTP2_STREAMS: u32 = 32;
/// How often HTTP/2 asks whether the client is still there.
const HTTP2_PING: Duration = Duration::from_secs(15);

/// What all connections share.
#[derive(Clone)]
struct Server {
    router: Router,
    builder: Arc<Builder<TokioExecutor>>,
    limits: Arc<Limits>,
    /// Becomes true when the server begins to stop. The server has stopped when all receivers are gone.
    stopping: watch::Receiver<bool>,
}

/// Serves until `stop` is done, then finishes the requests that are in flight.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let registry = Registry::new(limits.clone());
    let last_requests = limits.deadlines.last_requests;
    let (stopped, stopping) = watch::channel(false);
    let server = Server { router, builder: Arc::new(builder()), limits: Arc::new(limits), stopping };
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                wait_after(&error).await;
                continue;
            }
        };
        match registry.admit(peer.ip(), Instant::now()) {
            Some(admitted) => drop(tokio::spawn(server.clone().connection(stream, peer, admitted))),
            // Dropping the stream closes it.
            None => metrics::counter!("waymark_connections_refused_total").increment(1),
        }
    }
    drop((listener, server));
    stopped.send_replace(true);
    if tokio::time::timeout(last_requests, stopped.closed()).await.is_err() {
        tracing::warn!("some requests did not finish in time and are cut off");
    }
}

/// Logs why a connection could not be accepted. Returns after a moment if the process ran out of something, such as open files.
async fn wait_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return;
    }
    tracing::error!(%error, "a connection could not be accepted");
    metrics::counter!("waymark_accept_errors_total").increment(1);
    tokio::time::sleep(Duration::from_millis(50)).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // The watch of the connection has the deadline for heads.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).keep_alive(true).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING)
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .initial_stream_window_size(HTTP2_WINDOW)
        .initial_connection_window_size(4 * HTTP2_WINDOW);
    builder
}

impl Server {
    /// Serves one connection to its end.
    async fn connection(mut self, stream: TcpStream, peer: SocketAddr, admitted: Admitted) {
        // A page is a few packets, which should leave at once.
        let _ = stream.set_nodelay(true);
        // The system drops what the client never acknowledges, also after the server closed the connection.
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(2 * self.limits.deadlines.write));
        // hyper's buffer for the head takes 8 KiB, and is not needed before there is a head.
        tokio::select! {
            readable = stream.readable() => if readable.is_err() { return },
            reason = late(&admitted, &self.limits.deadlines) => return count(reason),
            () = is_told(&mut self.stopping) => return,
        }
        let io = WatchedStream::new(stream, admitted.connection.clone(), self.limits.long_heads.clone());
        let router = self.router.clone();
        let connection = admitted.connection.clone();
        let service = service_fn(move |request| respond(router.clone(), request, peer, connection.clone()));
        let connection = self.builder.serve_connection_with_upgrades(TokioIo::new(io), service);
        let mut connection = pin!(connection);
        let reason = tokio::select! {
            // Clients often leave in the middle of a response.
            _ = connection.as_mut() => return,
            reason = late(&admitted, &self.limits.deadlines) => Some(reason),
            () = is_told(&mut self.stopping) => None,
        };
        match reason {
            // On HTTP/2 the client is told that the connection ends. On HTTP/1 the client sees the end.
            Some(Reason::Idle) | None => connection.as_mut().graceful_shutdown(),
            Some(reason) => return count(reason),
        }
        self.finish(connection, &admitted).await;
    }

    /// Serves the requests in flight of a connection that takes no further ones.
    async fn finish(&self, connection: Pin<&mut impl Future>, admitted: &Admitted) {
        let since = Instant::now();
        let deadlines = &self.limits.deadlines;
        let unused = async {
            loop {
                tokio::time::sleep(deadlines.last_heads / 4).await;
                let activity = admitted.connection.activity();
                if activity.is_waiting() && since.max(activity.since).elapsed() >= deadlines.last_heads {
                    break;
                }
            }
        };
        tokio::select! {
            _ = connection => {}
            () = unused => {}
            () = tokio::time::sleep(deadlines.last_requests) => {}
        }
    }
}

/// Returns once the connection is late with something or has to give way.
async fn late(admitted: &Admitted, deadlines: &Deadlines) -> Reason {
    loop {
        let next = match admitted.connection.activity().check(deadlines, Instant::now()) {
            Ok(next) => next,
            Err(reason) => return reason,
        };
        tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            () = admitted.connection.gives_way.notified() => return Reason::Crowded,
        }
    }
}

/// Returns once the server begins to stop.
async fn is_told(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Counts a connection that the server ended. The registry counts those that gave way.
fn count(reason: Reason) {
    if reason != Reason::Crowded {
        metrics::counter!("waymark_connections_cut_total", "reason" => reason.label()).increment(1);
    }
}

/// Responds to one request.
async fn respond(
    router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    connection: Arc<registry::Connection>,
) -> Result<hyper::Response<Body>, std::convert::Infallible> {
    let serving = Serving::begin(connection.clone());
    let mut request = request.map(|body| Body::new(Received::new(body, connection)));
    request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
    let response = router.oneshot(request).await?;
    Ok(serving.respond(response))
}
