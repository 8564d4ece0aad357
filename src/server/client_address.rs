//! The network address of the client, by which limits count. The address is never stored.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Once,
};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderValue},
};
use ipnet::IpNet;

use crate::address_limit::{ClientAddress, UNKNOWN, is_private};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Adds the [`ClientAddress`] to the request. `trusted` are the networks of trusted proxies, if the configuration names any.
pub(super) fn add(request: &mut Request, trusted: Option<&[IpNet]>) {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    // Only a test calls the router without a connection.
    let peer = peer.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let client = client(peer, request.headers(), trusted);
    if client == UNKNOWN && request.headers().contains_key(FORWARDED_FOR) {
        warn_once(peer);
    }
    request.extensions_mut().insert(ClientAddress(client));
}

/// Returns the peer's address. If the peer is a trusted proxy, returns the last address in `X-Forwarded-For` that is not a
/// trusted proxy's.
///
/// With 10.0.0.1 trusted: peer `10.0.0.1`, header `6.6.6.6, 203.0.113.9` → `203.0.113.9`. Addresses further left are ignored,
/// because the client may have written them.
///
/// Returns [`UNKNOWN`] if no client is reported and the peer may stand for many clients. The peer may be a trusted proxy, or a
/// private address that may be an unnamed proxy (`trusted` is `None`, or names other proxies).
///
/// With `None`: peer `10.0.0.1` → `UNKNOWN`, peer `203.0.113.9` → `203.0.113.9`.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: Option<&[IpNet]>) -> IpAddr {
    let peer = peer.to_canonical();
    let Some(trusted) = trusted else {
        return if is_private(peer) { UNKNOWN } else { peer };
    };
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    if !is_trusted(peer) {
        let may_be_a_proxy = is_private(peer) && !trusted.is_empty() && headers.contains_key(FORWARDED_FOR);
        return if may_be_a_proxy { UNKNOWN } else { peer };
    }
    // As bytes: a client may have written anything to the left of what the proxy added.
    let headers: Vec<&[u8]> = headers.get_all(FORWARDED_FOR).into_iter().map(HeaderValue::as_bytes).collect();
    for hop in headers.iter().rev().flat_map(|value| value.rsplit(|byte| *byte == b',')) {
        // A trusted proxy writes addresses. The client wrote any other text, and may have written all that stands before it.
        let Some(address) = hop_address(hop) else { break };
        if !is_trusted(address) {
            return address;
        }
    }
    UNKNOWN
}

/// Reads one hop: an address, or an address with a port, as some proxies write it. `203.0.113.9:4711` → `203.0.113.9`,
/// `[2001:db8::1]` → `2001:db8::1`.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address: IpAddr = text.parse().ok().or_else(with_port).or_else(bare)?;
    Some(address.to_canonical())
}

/// Logs once that a proxy is not named. The log holds no address of a client; a private address is a proxy's.
fn warn_once(proxy: IpAddr) {
    static WARNING: Once = Once::new();
    WARNING.call_once(|| {
        tracing::warn!(
            %proxy,
            "a proxy sends X-Forwarded-For and TRUSTED_PROXIES does not name it, so limits by address count all its visitors as \
             one; set TRUSTED_PROXIES to the proxy's network, or to none if this is no proxy"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(trusted: Option<&str>, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        }
        let trusted: Option<Vec<IpNet>> =
            trusted.map(|list| list.split_whitespace().map(|network| network.parse().expect("a network")).collect());
        let client = client(peer.parse().expect("an address"), &headers, trusted.as_deref());
        if client == UNKNOWN { "unknown".into() } else { client.to_string() }
    }

    #[test]
    fn a_stranger_is_not_believed() {
        for trusted in [None, Some(""), Some("10.0.0.0/8")] {
            assert_eq!(of(trusted, "203.0.113.9", &["1.2.3.4"]), "203.0.113.9", "{trusted:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_is_believed_as_far_as_it_goes() {
        let of = |peer, forwarded: &[&str]| of(Some("10.0.0.0/8"), peer, forwarded);
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        // What the client wrote is no text, and the proxy added the address.
        assert_eq!(of("10.0.0.1", &["ä, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(of("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        // A client in a private network of its own.
        assert_eq!(of("10.0.0.1", &["192.168.0.7"]), "192.168.0.7");
        for nobody in [&["nonsense"][..], &[], &["10.0.0.2"]] {
            assert_eq!(of("10.0.0.1", nobody), "unknown", "{nobody:?}");
        }
    }

    #[test]
    fn a_private_address_that_nobody_named_may_be_a_proxy_before_many() {
        for peer in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert_eq!(of(None, peer, &[]), "unknown", "{peer}");
            assert_eq!(of(None, peer, &["203.0.113.9"]), "unknown", "{peer}");
        }
        assert_eq!(of(Some("10.0.0.0/8"), "192.168.0.9", &["203.0.113.9"]), "unknown");
        // The owner says that there is no proxy.
        assert_eq!(of(Some(""), "192.168.0.9", &["203.0.113.9"]), "192.168.0.9");
        assert_eq!(of(Some("10.0.0.0/8"), "192.168.0.9", &[]), "192.168.0.9");
    }
}
