//! Events of accounts in the log: what happened, with which outcome, to which user, and from which network.
//!
//! What always holds: an event has no e-mail address, no whole network address, no password and no token.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{address_limit::UNKNOWN, id::UserId};

/// Logs an event of an account. `user` is the account that the event is about, if there is one.
pub(crate) fn note(event: &'static str, outcome: &'static str, user: Option<UserId>, address: Option<IpAddr>) {
    let user = user.map(tracing::field::display);
    let network = address.map(|address| tracing::field::display(network(address)));
    tracing::info!(target: "waymark::auth", event, outcome, user, network, "account event");
}

/// Returns the network of an address, in which too many people are to tell one: `203.0.113.7` → `203.0.113.0/24`,
/// `2001:db8:1:2::3` → `2001:db8:1::/48`.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        UNKNOWN => "unknown".to_owned(),
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_names_a_network_and_no_address() {
        for (address, expected) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ] {
            assert_eq!(network(address.parse().expect("an address")), expected);
        }
    }
}
