//! Rows for tests: kept in memory and in the database.

use uuid::Uuid;

use crate::db::{Db, Insert, Millis, Table, Value, new_id};

pub const DAY: Millis = 86_400_000;
/// 2026-03-29T00:00:00Z, the day on which Berlin's clocks go forward.
pub const ORIGIN: Millis = 1_774_742_400_000;
pub const WINDOW: Millis = 20 * DAY;

static USERS: Table = Table { name: "users", columns: &["id", "email", "email_lower", "password_hash", "created_at"] };
static VISITORS: Table = Table { name: "visitors", columns: &["id", "user_id", "first_seen_at", "linked_at"] };
static TOUCHES: Table = Table {
    name: "touches",
    columns: &[
        "id",
        "visitor_id",
        "occurred_at",
        "source",
        "medium",
        "campaign",
        "term",
        "content",
        "channel",
        "click_ids",
        "tags",
        "landing_path",
        "referrer",
        "internal",
        "hits",
        "fingerprint",
    ],
};

#[derive(Clone, Debug)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    pub created_at: Millis,
}

#[derive(Clone, Debug)]
pub struct Visitor {
    pub id: Uuid,
    pub user: Option<Uuid>,
}

#[derive(Clone, Debug)]
pub struct Touch {
    pub id: Uuid,
    pub visitor: Uuid,
    pub occurred_at: Millis,
    pub source: Option<&'static str>,
    pub medium: Option<&'static str>,
    pub campaign: Option<&'static str>,
    pub term: Option<&'static str>,
    pub channel: &'static str,
    pub landing_path: &'static str,
    pub referrer: Option<&'static str>,
    pub internal: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub users: Vec<User>,
    pub visitors: Vec<Visitor>,
    pub touches: Vec<Touch>,
}

impl Sample {
    pub fn user(&mut self, email: &str, created_at: Millis) -> Uuid {
        let id = new_id();
        self.users.push(User { id, email: email.to_owned(), created_at });
        id
    }

    pub fn visitor(&mut self, user: Option<Uuid>) -> Uuid {
        let id = new_id();
        self.visitors.push(Visitor { id, user });
        id
    }

    pub fn touch(&mut self, visitor: Uuid, occurred_at: Millis, campaign: Option<&'static str>) -> Uuid {
        let id = new_id();
        self.touches.push(Touch {
            id,
            visitor,
            occurred_at,
            source: Some("google"),
            medium: Some("cpc"),
            campaign,
            term: None,
            channel: "Paid Search",
            landing_path: "/",
            referrer: None,
            internal: false,
        });
        id
    }

    /// A few hundred rows that hit the edges: people with several browsers, sign-ups at the very moment of a touch and at
    /// both ends of the look-back window, touches after the sign-up, nobody's touches, values that are not set.
    pub fn pseudo_random(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut sample = Self::default();
        for n in 0..60 {
            sample.user(
                &format!("Person{n}@Example.com"),
                ORIGIN + random.below(70) as i64 * DAY + random.below(DAY as u64) as i64,
            );
        }
        for n in 0..160 {
            let user = (n % 2 == 0).then(|| sample.users[random.below(50) as usize].clone());
            let visitor = sample.visitor(user.as_ref().map(|user| user.id));
            for _ in 0..=random.below(4) {
                let at = match (&user, random.below(6)) {
                    (Some(user), 0) => user.created_at,
                    (Some(user), 1) => user.created_at + 1,
                    (Some(user), 2) => user.created_at - WINDOW,
                    (Some(user), 3) => user.created_at - WINDOW - 1,
                    _ => ORIGIN + random.below(70 * DAY as u64) as i64,
                };
                let touch =
                    sample.touch(visitor, at, random.pick(&[None, Some("spring"), Some("autumn"), Some("50%_off")]));
                let (source, medium, channel) = random.pick(&[
                    (Some("google"), Some("cpc"), "Paid Search"),
                    (Some("google"), None, "Referral"),
                    (None, Some("email"), "Email"),
                    (Some("newsletter"), Some("email"), "Email"),
                ]);
                let term = random.pick(&[None, Some("boots"), Some("ünïcode")]);
                let landing_path = random.pick(&["/", "/pricing", "/docs/start"]);
                let referrer = random.pick(&[None, Some("example.org/a"), Some("example.org/b"), Some("example.com")]);
                let internal = random.below(5) == 0;
                let last = sample.touches.iter_mut().find(|row| row.id == touch).expect("it was just added");
                *last = Touch { source, medium, channel, term, landing_path, referrer, internal, ..last.clone() };
            }
        }
        sample
    }

    pub async fn store(&self, db: &Db) {
        let mut rows = Vec::new();
        for user in &self.users {
            let values = vec![
                user.id.into(),
                user.email.as_str().into(),
                user.email.to_lowercase().into(),
                "".into(),
                user.created_at.into(),
            ];
            rows.push(Insert { table: &USERS, values });
        }
        for visitor in &self.visitors {
            let linked_at: Option<Millis> = visitor.user.map(|_| ORIGIN);
            let values = vec![visitor.id.into(), visitor.user.into(), ORIGIN.into(), linked_at.into()];
            rows.push(Insert { table: &VISITORS, values });
        }
        for touch in &self.touches {
            let values: Vec<Value> = vec![
                touch.id.into(),
                touch.visitor.into(),
                touch.occurred_at.into(),
                touch.source.into(),
                touch.medium.into(),
                touch.campaign.into(),
                touch.term.into(),
                None::<&str>.into(),
                touch.channel.into(),
                r#"{"gclid":"AbC-_1"}"#.into(),
                "{}".into(),
                touch.landing_path.into(),
                touch.referrer.into(),
                touch.internal.into(),
                1_i64.into(),
                0_i64.into(),
            ];
            rows.push(Insert { table: &TOUCHES, values });
        }
        db.insert(rows).await.expect("the rows are stored");
    }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}
