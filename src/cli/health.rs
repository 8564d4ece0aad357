//! `waymark health`: asks the server on this machine whether it is ready. Containers and scripts need no curl for it.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use waymark::config::Config;

/// How long the server may take to connect, and how long to respond.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `/readyz` at `LEPTOS_SITE_ADDR`. Errors: the server does not respond, or is not ready. Needs no database.
pub fn check(config: &Config) -> Result<(), String> {
    let address = reachable(config.site_addr);
    match ask(address) {
        Ok(head) if head.split(' ').nth(1) == Some("200") => {
            println!("ready");
            Ok(())
        }
        Ok(head) => Err(format!("The server at {address} is not ready: {head}")),
        Err(error) => Err(format!("No server responds at {address}: {error}")),
    }
}

/// Returns the first line of the response.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    stream.take(4096).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned())
}

/// Returns an address to connect to: a server that listens on every interface is asked on loopback. `0.0.0.0:3000` →
/// `127.0.0.1:3000`.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}
