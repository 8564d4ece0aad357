use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use axum::http::Extensions;
use tower_http::request_id::RequestId;
use uuid::Uuid;

use crate::{
    address_limit::{ClientAddress, UNKNOWN},
    id::UserId,
    word_enum::word_enum,
};

word_enum! {
    /// What kind of person or program changed something.
    pub enum ActorKind {
        /// A signed-in user.
        User = "user",
        /// A command on the server's machine: its operator.
        CommandLine = "command_line",
        /// Somebody who is not signed in.
        Stranger = "stranger",
    }
}

impl ActorKind {
    /// Returns the words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::User => "A user",
            Self::CommandLine => "Command line",
            Self::Stranger => "Not signed in",
        }
    }
}

/// Where a change came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The network of the client.
    pub network: Option<String>,
    pub request_id: Option<Uuid>,
}

impl Origin {
    /// Returns where a request comes from. The request's first layers have noted both.
    pub fn of(extensions: &Extensions) -> Self {
        let address = extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address);
        let id = extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
        Self { network: address.map(network), request_id: id.and_then(|id| Uuid::try_parse(id).ok()) }
    }
}

/// Who changes something, and from where.
#[derive(Clone, PartialEq, Eq)]
pub struct Actor {
    pub(super) kind: ActorKind,
    pub(super) id: Option<UserId>,
    pub(super) email: Option<String>,
    pub(super) origin: Origin,
}

impl Actor {
    /// Returns a signed-in user, with the e-mail address of this moment.
    pub fn user(id: UserId, email: &str, origin: Origin) -> Self {
        Self { kind: ActorKind::User, id: Some(id), email: Some(email.to_owned()), origin }
    }

    /// Returns the operator, who runs commands on the server's machine.
    pub fn command_line() -> Self {
        Self { kind: ActorKind::CommandLine, id: None, email: None, origin: Origin::default() }
    }

    /// Returns somebody who is not signed in.
    pub fn stranger(origin: Origin) -> Self {
        Self { kind: ActorKind::Stranger, id: None, email: None, origin }
    }

    /// Returns the id of a signed-in user.
    pub fn id(&self) -> Option<UserId> {
        self.id
    }
}

/// Shows no e-mail address, because logs have none.
impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("kind", &self.kind).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Returns the network of an address, in which too many people are to tell one: `203.0.113.7` → `203.0.113.0/24`,
/// `2001:db8:1:2::3` → `2001:db8:1::/48`.
pub fn network(address: IpAddr) -> String {
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
    fn a_network_is_named_and_no_address() {
        for (address, expected) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("::ffff:203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
            ("0.0.0.0", "unknown"),
        ] {
            assert_eq!(network(address.parse().expect("an address")), expected);
        }
    }
}
