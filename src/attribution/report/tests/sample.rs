//! Rows for tests: kept in memory and in the database.

use std::time::Duration;

use crate::{
    attribution::model::Minor,
    db::{Db, Insert, Table, Value},
    id::{ConversionId, TouchId, UserId, VisitorId},
    random::Random,
    timestamp::{MILLISECOND, Timestamp},
};

pub use crate::timestamp::DAY;
pub const HOUR: Duration = Duration::from_hours(1);
/// 2026-03-29T00:00:00Z, the day on which Berlin's clocks go forward.
pub const ORIGIN: Timestamp = Timestamp::from_millis(1_774_742_400_000);
pub const WINDOW: Duration = Duration::from_hours(20 * 24);

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

static ALIASES: Table = Table { name: "campaign_aliases", columns: &["alias", "campaign", "created_at"] };

static CONVERSIONS: Table = Table {
    name: "conversions",
    columns: &[
        "id",
        "user_id",
        "kind",
        "value",
        "currency",
        "occurred_at",
        "recorded_at",
        "source",
        "external_id",
        "refund_of",
    ],
};

#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Visitor {
    pub id: VisitorId,
    pub user: Option<UserId>,
}

#[derive(Clone, Debug)]
pub struct Touch {
    pub id: TouchId,
    pub visitor: VisitorId,
    pub occurred_at: Timestamp,
    pub source: Option<&'static str>,
    pub medium: Option<&'static str>,
    pub campaign: Option<&'static str>,
    pub term: Option<&'static str>,
    pub channel: &'static str,
    pub landing_path: &'static str,
    pub referrer: Option<&'static str>,
    pub internal: bool,
}

impl Touch {
    /// Returns what the link said.
    pub fn tuple(&self) -> [Option<&'static str>; 4] {
        [self.source, self.medium, self.campaign, self.term]
    }

    /// Returns FNV-1a of the tuple and of the id: as if each click had its own click id.
    fn fingerprint(&self) -> i64 {
        let text = format!("{:?} {}", self.tuple(), self.id);
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        hash.cast_signed()
    }
}

#[derive(Clone, Debug)]
pub struct Conversion {
    pub id: ConversionId,
    pub user: UserId,
    pub kind: &'static str,
    pub value: Minor,
    pub currency: Option<&'static str>,
    pub occurred_at: Timestamp,
    pub refund_of: Option<ConversionId>,
}

#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub users: Vec<User>,
    pub visitors: Vec<Visitor>,
    pub touches: Vec<Touch>,
    pub conversions: Vec<Conversion>,
    /// Names of campaigns, each with the campaign that it was merged into.
    pub aliases: Vec<(&'static str, &'static str)>,
}

impl Sample {
    /// Returns the name under which reports show a campaign.
    pub fn merged<'a>(&self, campaign: &'a str) -> &'a str {
        self.aliases.iter().find(|(alias, _)| *alias == campaign).map_or(campaign, |(_, campaign)| campaign)
    }

    pub fn user(&mut self, email: &str, created_at: Timestamp) -> UserId {
        let id = UserId::new();
        self.users.push(User { id, email: email.to_owned(), created_at });
        id
    }

    pub fn visitor(&mut self, user: Option<UserId>) -> VisitorId {
        let id = VisitorId::new();
        self.visitors.push(Visitor { id, user });
        id
    }

    pub fn touch(&mut self, visitor: VisitorId, occurred_at: Timestamp, campaign: Option<&'static str>) -> TouchId {
        let id = TouchId::new();
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

    pub fn conversion(
        &mut self,
        user: UserId,
        kind: &'static str,
        occurred_at: Timestamp,
        worth: (i64, &'static str),
    ) -> ConversionId {
        let id = ConversionId::new();
        let (value, currency) = (Minor(worth.0), worth.1);
        let currency = Some(currency).filter(|currency| !currency.is_empty());
        self.conversions.push(Conversion { id, user, kind, value, currency, occurred_at, refund_of: None });
        id
    }

    /// Adds a refund of a part of a conversion.
    pub fn refund(&mut self, of: ConversionId, value: i64, occurred_at: Timestamp) -> ConversionId {
        let first = self.conversions.iter().find(|first| first.id == of).expect("what is refunded").clone();
        let id = ConversionId::new();
        self.conversions.push(Conversion { id, value: Minor(-value), occurred_at, refund_of: Some(of), ..first });
        id
    }

    /// Returns [`Sample::pseudo_random`] with conversions: sign-ups, purchases in three currencies, and refunds:
    /// partial, simultaneous and complete. Some touches repeat, and some are direct.
    pub fn with_conversions(seed: u64) -> Self {
        let mut sample = Self::pseudo_random(seed);
        let mut random = Random::new(seed ^ 0x5eed);
        for touch in sample.touches.clone() {
            match random.below(5) {
                0 => {
                    let again = Touch { id: TouchId::new(), occurred_at: touch.occurred_at + HOUR, ..touch };
                    sample.touches.push(again);
                }
                1 => {
                    let place = sample.touches.iter().position(|row| row.id == touch.id).expect("it is there");
                    sample.touches[place] =
                        Touch { source: None, medium: None, campaign: None, channel: "Direct", ..touch };
                }
                _ => {}
            }
        }
        for user in sample.users.clone() {
            sample.conversion(user.id, "signup", user.created_at, (0, ""));
            for _ in 0..random.below(4) {
                let kind = *random.pick(&["purchase", "purchase", "demo"]);
                let currency = *random.pick(&["EUR", "USD", "JPY"]);
                let value = random.below(9_999) as i64;
                let at = user.created_at + span(&mut random, 40 * DAY) - 5 * DAY;
                let of = sample.conversion(user.id, kind, at, (value, currency));
                let mut left = value;
                let mut at = at;
                while left > 0 && random.below(2) == 0 {
                    // several at the same moment, too
                    at = at + random.below(3) as u32 * 4 * DAY;
                    let part = 1 + random.below(left as u64) as i64;
                    sample.refund(of, part, at);
                    left -= part;
                }
            }
        }
        sample
    }

    /// Returns a few hundred rows with all edge cases. People have several browsers. Sign-ups are at the moment of a touch and at
    /// both ends of the look-back window. Touches come after the sign-up, or have no user, or lack values.
    pub fn pseudo_random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut sample = Self::default();
        for n in 0..60 {
            sample.user(
                &format!("Person{n}@Example.com"),
                ORIGIN + random.below(70) as u32 * DAY + span(&mut random, DAY),
            );
        }
        for n in 0..160 {
            let user = (n % 2 == 0).then(|| sample.users[random.below(50) as usize].clone());
            let visitor = sample.visitor(user.as_ref().map(|user| user.id));
            for _ in 0..=random.below(4) {
                let at = match (&user, random.below(6)) {
                    (Some(user), 0) => user.created_at,
                    (Some(user), 1) => user.created_at + MILLISECOND,
                    (Some(user), 2) => user.created_at - WINDOW,
                    (Some(user), 3) => user.created_at - WINDOW - MILLISECOND,
                    _ => ORIGIN + span(&mut random, 70 * DAY),
                };
                let touch =
                    sample.touch(visitor, at, *random.pick(&[None, Some("spring"), Some("autumn"), Some("50%_off")]));
                let (source, medium, channel) = *random.pick(&[
                    (Some("google"), Some("cpc"), "Paid Search"),
                    (Some("google"), None, "Referral"),
                    (None, Some("email"), "Email"),
                    (Some("newsletter"), Some("email"), "Email"),
                ]);
                let term = *random.pick(&[None, Some("boots"), Some("ünïcode")]);
                let landing_path = *random.pick(&["/", "/pricing", "/docs/start"]);
                let referrer = *random.pick(&[None, Some("example.org/a"), Some("example.org/b"), Some("example.com")]);
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
            let linked_at: Option<Timestamp> = visitor.user.map(|_| ORIGIN);
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
                touch.fingerprint().into(),
            ];
            rows.push(Insert { table: &TOUCHES, values });
        }
        for conversion in &self.conversions {
            let values: Vec<Value> = vec![
                conversion.id.into(),
                conversion.user.into(),
                conversion.kind.into(),
                conversion.value.0.into(),
                conversion.currency.into(),
                conversion.occurred_at.into(),
                conversion.occurred_at.into(),
                "checkout".into(),
                conversion.id.to_string().into(),
                conversion.refund_of.into(),
            ];
            rows.push(Insert { table: &CONVERSIONS, values });
        }
        for (alias, campaign) in &self.aliases {
            let values = vec![(*alias).into(), (*campaign).into(), ORIGIN.into()];
            rows.push(Insert { table: &ALIASES, values });
        }
        db.insert(rows).await.expect("the rows are stored");
    }
}

/// Returns a span shorter than the limit, in whole milliseconds.
fn span(random: &mut Random, limit: Duration) -> Duration {
    Duration::from_millis(random.below(limit.as_millis() as u64))
}
