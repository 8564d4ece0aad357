//! Events of accounts in the log: what happened, with which outcome, to which user, and from which network. Changes are also in
//! the [audit log](crate::audit), which admins read.
//!
//! What always holds: an event has no e-mail address, no whole network address, no password and no token.

use std::net::IpAddr;

use crate::{audit::network, id::UserId};

/// Logs an event of an account. `user` is the account that the event is about, if there is one.
pub(crate) fn note(event: &'static str, outcome: &'static str, user: Option<UserId>, address: Option<IpAddr>) {
    let user = user.map(tracing::field::display);
    let network = address.map(|address| tracing::field::display(network(address)));
    tracing::info!(target: "waymark::auth", event, outcome, user, network, "account event");
}
