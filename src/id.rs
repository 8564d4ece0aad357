//! Each kind of row has its own type of id, so that a user's id cannot be passed in place of a visitor's id.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::{BuildHasherDefault, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid, Variant, Version};

use crate::db::Value;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id of zeros, smaller than every other id. A walk through a table in the order of ids begins after this id.
            pub const NIL: Self = Self(Uuid::nil());

            /// Makes a new id of version 7. Such ids sort by time, so new rows are close together in the index.
            #[allow(clippy::new_without_default, reason = "a default is the same each time")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Value {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl From<Option<$name>> for Value {
            fn from(id: Option<$name>) -> Self {
                id.map($name::as_uuid).into()
            }
        }
    )+};
}

ids! {
    /// The id of an account.
    UserId;
    /// The id of a browser that arrived with a marketing signal.
    VisitorId;
    /// The id of one arrival of a visitor. A lead is a touch of a linked visitor and has the touch's id.
    TouchId;
    /// The number from which a touch's id is made: see [`TouchSeed::touch_id`].
    TouchSeed;
    /// The id of a sign-up, a purchase or a refund.
    ConversionId;
    /// The id of a token that a program signs in with.
    ApiTokenId;
    /// The id of a project.
    ProjectId;
    /// The id of an invitation to have an account.
    InvitationId;
    /// The id of work that a request causes and a worker runs later.
    JobId;
}

impl TouchSeed {
    /// Returns the id of the touch, with the time of the seed. A page shows the id of its touch. Nobody can compute the seed from
    /// the id, so the seed proves that a touch is the browser's own.
    pub fn touch_id(self) -> TouchId {
        let digest = Sha256::new().chain_update("waymark touch").chain_update(self.0).finalize();
        let mut bytes = self.0.into_bytes();
        // The first six bytes are the time.
        bytes[6..].copy_from_slice(&digest[..10]);
        TouchId(Builder::from_bytes(bytes).with_version(Version::SortRand).with_variant(Variant::RFC4122).into_uuid())
    }
}

impl ConversionId {
    /// Returns the id of a user's sign-up, which equals the user's id. So a user cannot have two sign-ups.
    pub const fn of_sign_up(user: UserId) -> Self {
        Self(user.0)
    }
}
/// A map by id. The last bytes of an id are random, so they are the hash.
pub type IdMap<T> = HashMap<Uuid, T, BuildHasherDefault<IdHasher>>;
/// A set of ids, hashed as in [`IdMap`].
pub type IdSet = HashSet<Uuid, BuildHasherDefault<IdHasher>>;

/// Takes the last eight bytes as the hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_le_bytes(*last);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
