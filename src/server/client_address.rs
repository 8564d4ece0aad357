//! The network address of the client, by which limits count. The address is never stored.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use crate::{address_limit::ClientAddress, state::AppState};

/// Adds the [`ClientAddress`] to the request.
pub(super) async fn find(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    // Only a test calls the router without a connection.
    let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let client = client(peer, request.headers(), &state.config.trusted_proxies);
    request.extensions_mut().insert(ClientAddress(client));
    next.run(request).await
}

/// Returns the peer's address. If the peer is a trusted proxy, returns the last address in `X-Forwarded-For` that is not a
/// trusted proxy's.
///
/// With 10.0.0.1 trusted: peer `10.0.0.1`, header `6.6.6.6, 203.0.113.9` → `203.0.113.9`. Addresses further left are ignored,
/// because the client may have written them.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let headers: Vec<&str> =
        headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok()).collect();
    for hop in headers.iter().rev().flat_map(|value| value.rsplit(',')) {
        // A trusted proxy writes addresses. The client wrote any other text, and may have written all that stands before it.
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(client) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header value"));
        }
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        client(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(of("203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed_as_far_as_it_goes() {
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
    }
}
