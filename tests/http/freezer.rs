//! A database that stops to answer, as one whose machine was paused does.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Forwards connections to a database until it is frozen: from then on it keeps all connections, and no byte passes.
pub struct Freezer {
    /// The address at which the database is reached through this proxy.
    pub url: String,
    frozen: watch::Sender<bool>,
}

impl Freezer {
    pub async fn before(database_url: &str) -> Self {
        let (scheme, rest) = database_url.split_once("://").expect("an address");
        let (user, rest) = rest.split_once('@').expect("a user");
        let (host, path) = rest.split_once('/').expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("{scheme}://{user}@{}/{path}", listener.local_addr().expect("an address"));
        let (frozen, is_frozen) = watch::channel(false);
        let host: Arc<str> = host.into();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (host, is_frozen) = (host.clone(), is_frozen.clone());
                tokio::spawn(async move {
                    let server = TcpStream::connect(&*host).await.expect("the database");
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::join!(
                        forward(from_client, to_server, is_frozen.clone()),
                        forward(from_server, to_client, is_frozen)
                    );
                });
            }
        });
        Self { url, frozen }
    }

    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut is_frozen: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let freezes = async { drop(is_frozen.wait_for(|frozen| *frozen).await) };
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            () = freezes => return std::future::pending().await,
        };
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
