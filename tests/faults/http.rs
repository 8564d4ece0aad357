//! One HTTP/1.1 connection, and whole answers. Dropping a connection closes its socket at once, as a browser does that leaves.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode},
};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};

use crate::Result;

/// A request that takes longer has failed. The server's own deadline is 30 s.
pub const PATIENCE: Duration = Duration::from_secs(45);
/// No page is larger.
const BODY_BYTES: usize = 16 << 20;

/// A response that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Returns a header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether the server did what was asked: the whole 2xx or 3xx answer was read.
    pub fn acknowledges(&self) -> bool {
        self.status.is_success() || self.status.is_redirection()
    }
}

/// A connection that is kept for further requests.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Body>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub async fn open(target: SocketAddr) -> Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(target)).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, driver })
    }

    /// Whether the server has left the connection open.
    pub async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and reads the whole answer. Returns an error if the connection breaks before the answer's end.
    pub async fn exchange(&mut self, request: Request<Body>) -> Result<Answer> {
        timeout(PATIENCE, async {
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            let body = axum::body::to_bytes(Body::new(body), BODY_BYTES).await?;
            Ok(Answer { status: head.status, headers: head.headers, body })
        })
        .await?
    }
}

/// Sends a GET on a connection of its own.
pub async fn get(target: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    let mut request = Request::get(path).header("host", target.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Connection::open(target).await?.exchange(request.body(Body::empty())?).await
}
