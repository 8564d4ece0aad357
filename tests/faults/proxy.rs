//! Proxies of the tests' own: one that retries, as a load balancer does, and one that delays bytes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{Method, Request, Response, StatusCode, header, request::Parts},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use crate::{
    Result,
    http::{Answer, Connection, get},
};

const PROBE_PAUSE: Duration = Duration::from_millis(50);
/// How often all replicas are tried before the proxy gives up.
const ROUNDS: usize = 100;
const BODY_BYTES: usize = 1 << 20;

#[derive(Debug)]
struct Replica {
    address: SocketAddr,
    /// What `/readyz` said last.
    ready: AtomicBool,
}

/// A load balancer before the replicas. It asks each `/readyz`, sends requests to those that are ready, and tries another
/// replica if no connection can be made. A GET is also tried again if the connection breaks before the answer.
#[derive(Debug)]
pub struct Balancer {
    pub address: SocketAddr,
    tasks: JoinSet<()>,
}

impl Balancer {
    pub async fn start(replicas: Vec<SocketAddr>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let replicas: Arc<Vec<Replica>> =
            Arc::new(replicas.into_iter().map(|address| Replica { address, ready: AtomicBool::new(true) }).collect());
        let mut tasks = JoinSet::new();
        for number in 0..replicas.len() {
            tasks.spawn(probe(replicas.clone(), number));
        }
        tasks.spawn(accept(listener, replicas));
        Ok(Self { address, tasks })
    }

    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn probe(replicas: Arc<Vec<Replica>>, number: usize) {
    let replica = &replicas[number];
    loop {
        let ready = get(replica.address, "/readyz", &[]).await.is_ok_and(|answer| answer.status.is_success());
        replica.ready.store(ready, Ordering::Relaxed);
        sleep(PROBE_PAUSE).await;
    }
}

async fn accept(listener: TcpListener, replicas: Arc<Vec<Replica>>) {
    let turn = Arc::new(AtomicUsize::new(0));
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (replicas, turn) = (replicas.clone(), turn.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (replicas, turn) = (replicas.clone(), turn.clone());
            async move { Ok::<_, std::convert::Infallible>(forward(&replicas, &turn, request).await) }
        });
        connections
            .spawn(async move { drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await) });
    }
}

/// How a try ended without an answer.
enum Broken {
    /// The replica did not see the request.
    Before,
    /// The replica may have acted on the request.
    Midway,
}

async fn forward(replicas: &[Replica], turn: &AtomicUsize, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), BODY_BYTES).await else { return bad_gateway() };
    let repeatable = matches!(head.method, Method::GET | Method::HEAD);
    for round in 0..ROUNDS {
        let first = turn.fetch_add(1, Ordering::Relaxed);
        for number in 0..replicas.len() {
            let replica = &replicas[(first + number) % replicas.len()];
            // Without a ready replica, any replica is better than none.
            if !replica.ready.load(Ordering::Relaxed) && round < ROUNDS / 2 {
                continue;
            }
            match attempt(replica.address, &head, body.clone()).await {
                Ok(answer) => return returned(answer),
                Err(Broken::Before) => {}
                Err(Broken::Midway) if repeatable => {}
                Err(Broken::Midway) => return bad_gateway(),
            }
        }
        sleep(PROBE_PAUSE).await;
    }
    bad_gateway()
}

async fn attempt(target: SocketAddr, head: &Parts, body: Bytes) -> std::result::Result<Answer, Broken> {
    let mut connection = Connection::open(target).await.map_err(|_| Broken::Before)?;
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    // hyper sets the length of the body that was read.
    request.headers_mut().remove(header::TRANSFER_ENCODING);
    connection.exchange(request).await.map_err(|_| Broken::Midway)
}

fn returned(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    for name in [header::TRANSFER_ENCODING, header::CONNECTION, header::CONTENT_LENGTH] {
        response.headers_mut().remove(name);
    }
    response
}

fn bad_gateway() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// Passes bytes on to a target, each piece after a delay.
#[derive(Debug)]
pub struct Delay {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Delay {
    pub async fn start(target: SocketAddr, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(target).await else { continue };
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                connections.spawn(pass(near_read, far_write, delay));
                connections.spawn(pass(far_read, near_write, delay));
            }
        });
        Ok(Self { port, task })
    }
}

async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, delay: Duration) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        sleep(delay).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
}
