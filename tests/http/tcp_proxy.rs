//! A proxy between an application and its PostgreSQL server, which can lose the connections or stop forwarding.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Forward,
    /// Connections stay open, and nothing is forwarded: the server hangs.
    Hang,
}

/// A proxy in front of a server.
pub struct TcpProxy {
    pub address: SocketAddr,
    server: Arc<str>,
    mode: watch::Sender<Mode>,
    accepting: Option<JoinHandle<()>>,
}

impl TcpProxy {
    /// Starts a proxy before a database. Returns also the address at which the database is reached through the proxy.
    pub async fn before(database_url: &str) -> (Self, String) {
        let (before, rest) = database_url.split_once('@').expect("an address with a user");
        let (server, name) = rest.split_once('/').expect("an address with a database");
        let proxy = Self::start(server).await;
        let through = format!("{before}@{}/{name}", proxy.address);
        (proxy, through)
    }

    /// Starts a proxy on a free port. `server` is `host:port`.
    async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut proxy = Self { address, server: server.into(), mode: watch::channel(Mode::Forward).0, accepting: None };
        proxy.accept(listener);
        proxy
    }

    fn accept(&mut self, listener: TcpListener) {
        let (server, mode) = (self.server.clone(), self.mode.clone());
        self.accepting = Some(tokio::spawn(async move {
            // Dropping the set ends all connections.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&*server).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                connections.spawn(forward(from_client, to_server, mode.subscribe()));
                connections.spawn(forward(from_server, to_client, mode.subscribe()));
            }
        }));
    }

    /// Ends all connections and accepts no new ones, as a server that is stopped.
    pub async fn cut(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _ = accepting.await;
        }
    }

    /// Accepts connections again after [`cut`](Self::cut).
    pub async fn restore(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the same port");
        self.accept(listener);
    }

    /// Forwards nothing until [`go_on`](Self::go_on).
    pub fn hang(&self) {
        self.mode.send_replace(Mode::Hang);
    }

    pub fn go_on(&self) {
        self.mode.send_replace(Mode::Forward);
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut mode: watch::Receiver<Mode>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut bytes).await {
        let forwards = mode.wait_for(|mode| *mode == Mode::Forward).await.is_ok();
        if count == 0 || !forwards || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
