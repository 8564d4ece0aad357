//! Rude clients: they hold connections and do nothing useful with them.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::browser::CHROME;

/// How a client is rude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Connects and sends nothing.
    Silent,
    /// Sends half of a request's head.
    HalfHead,
    /// Sends the first line of HTTP/2's preface.
    Preface,
    /// Announces a form of 100 bytes and sends one of them.
    SlowBody,
    /// Asks for large answers and reads nothing.
    NeverReads,
}

pub const WAYS: [Way; 5] = [Way::Silent, Way::HalfHead, Way::Preface, Way::SlowBody, Way::NeverReads];

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent sockets",
            Self::HalfHead => "half heads",
            Self::Preface => "HTTP/2 prefaces",
            Self::SlowBody => "slow bodies",
            Self::NeverReads => "clients that never read",
        }
    }

    fn first_bytes(self, target: SocketAddr) -> String {
        let client = format!("Host: {target}\r\nUser-Agent: {CHROME}\r\n");
        match self {
            Self::Silent => String::new(),
            Self::HalfHead => format!("GET / HTTP/1.1\r\n{client}"),
            Self::Preface => "PRI * HTTP/2.0\r\n".to_owned(),
            Self::SlowBody => format!(
                "POST /api/login HTTP/1.1\r\n{client}Content-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: 100\r\n\r\ne"
            ),
            // Many requests in a row: their answers together are larger than what the system keeps for a socket.
            Self::NeverReads => format!("GET / HTTP/1.1\r\n{client}Accept: text/html\r\n\r\n").repeat(300),
        }
    }
}

/// Connections that rude clients hold until this value is dropped.
#[derive(Debug, Default)]
pub struct Rude {
    held: Vec<TcpStream>,
    pub refused: usize,
}

impl Rude {
    /// Opens connections in one way.
    pub async fn come(&mut self, target: SocketAddr, way: Way, count: usize) {
        let bytes = way.first_bytes(target);
        for _ in 0..count {
            let Ok(Ok(mut stream)) = timeout(Duration::from_secs(2), connect(target, way)).await else {
                self.refused += 1;
                // A server that takes no more connections would make this last for ever.
                if self.refused > 20 {
                    return;
                }
                continue;
            };
            // A server that does not read leaves the rest unsent.
            let _ = timeout(Duration::from_millis(20), stream.write_all(bytes.as_bytes())).await;
            self.held.push(stream);
        }
    }

    /// Waits until the server has closed all connections. Returns how many are open after the limit.
    pub async fn left_after(&mut self, limit: Duration) -> usize {
        let closed = async {
            for stream in &mut self.held {
                // Reads what the server has sent, to the end.
                let mut sink = [0; 16 << 10];
                while matches!(stream.read(&mut sink).await, Ok(count) if count > 0) {}
            }
            self.held.clear();
        };
        if timeout(limit, closed).await.is_ok() {
            return 0;
        }
        self.held.iter().filter(|stream| is_open(stream)).count()
    }
}

/// Connects from an address that is no trusted proxy. Where there is only one loopback address, the system chooses.
async fn connect(target: SocketAddr, way: Way) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if way == Way::NeverReads {
        // Otherwise the system would take all answers for the client.
        socket.set_recv_buffer_size(4096)?;
    }
    let _ = socket.bind(SocketAddr::from(([127, 0, 0, 2], 0)));
    socket.connect(target).await
}

/// Whether the server has left a connection open.
fn is_open(stream: &TcpStream) -> bool {
    let mut sink = [0; 16 << 10];
    loop {
        match stream.try_read(&mut sink) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}
