//! Accepting connections and stopping, with deadlines that `axum::serve` 0.8 does not have. Without them, a client that
//! sends half a head would hold its connection for minutes, and the server would wait for the client before it stops.
//!
//! Known gap: hyper-util tells HTTP/1 from HTTP/2 by the first bytes, before any timer runs. A client that sends nothing keeps
//! its connection until it leaves (hyperium/hyper#3962, hyperium/hyper#3756, both open).
//!
//! Upstream: tokio-rs/axum#2741; tokio-rs/axum#3478 (merged, not in 0.8.9) brings a deadline for heads. Delete when
//! `axum::serve` has that and a deadline for stopping.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::Request;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// How long a client may take to send a request's head, counted from its first byte or from the end of the previous response.
const HEAD: Duration = Duration::from_secs(15);
/// The longest head of a request, in bytes. A landing with 60 KiB of query is still served.
const HEAD_BYTES: usize = 128 * 1024;
/// How long requests in flight may still take after the server begins to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(20);

/// Serves until `stop` is done, then finishes the requests that are in flight.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(true).max_buf_size(HEAD_BYTES);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD).max_concurrent_streams(128);
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Most likely there are too many open files. Some will be closed in a moment.
                Err(error) => {
                    tracing::error!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        // A page is a few packets, which should leave at once.
        let _ = stream.set_nodelay(true);
        let service = router.clone().map_request(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            request.map(axum::body::Body::new)
        });
        let connection =
            builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // Clients often leave in the middle of a response.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and are cut off");
    }
}
