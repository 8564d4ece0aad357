//! A stored touch, read again by the present rules: what would the same request store today?
//!
//! The request itself is not stored. Its values are, as far as they were kept, and so are the referrer's host and path and
//! whether source and medium were derived. [`reread`] makes signals of these fields, removes what was derived, and completes the
//! rest as for a new landing.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    attribution::{
        channel::RULES_VERSION,
        settings::Settings,
        signal::{Signals, Utm, clean::MAX_CHARS, click_ids, referrer::Referrer, value},
        source::{
            completion::{ToldBy, complete, undo},
            from_referrer::ReferrerExclusion,
        },
        touch::{Landing, TouchOrigin, fingerprint::fingerprint},
    },
    id::{TouchId, VisitorId},
    timestamp::Timestamp,
};

/// The last version of the rules that derived source and medium only together. Later rules also derive one of the two.
const LAST_THAT_DERIVES_BOTH: u32 = 2;

/// The end of a sentence that begins with "because".
pub type Reason = &'static str;

/// The reason of a touch that would be a hit of another touch today.
pub const REPEAT: Reason =
    "the visitor came by the same link within 30 minutes before, which adds a hit to one touch today";

const OWN_SITE: Reason = "the page that linked here is a page of this site";
const SAYS_NOTHING: Reason = "the link says nothing, and no page of another site linked here";
const MAYBE_SIGN_IN: Reason = "the visitor may have come back from signing in, which only the query tells";
const CUT: Reason = "a value was cut, so its escapes cannot be decoded again";

const fn ignored(why: ReferrerExclusion) -> Reason {
    match why {
        ReferrerExclusion::Payment => "the page that linked here is a payment page",
        ReferrerExclusion::Identity => "the page that linked here is a sign-in page",
        ReferrerExclusion::Spam => "the page that linked here is referrer spam",
        ReferrerExclusion::Configured => "ATTRIBUTION_IGNORED_REFERRERS lists the page that linked here",
    }
}

/// A touch as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct StoredTouch {
    pub id: TouchId,
    pub visitor_id: VisitorId,
    pub occurred_at: Timestamp,
    pub referrer: Option<String>,
    pub landing_path: String,
    pub rules_version: String,
    #[sqlx(flatten)]
    pub reading: Reading,
}

/// The fields of a touch that the rules make of a request.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Reading {
    #[sqlx(flatten)]
    pub utm: Utm,
    pub click_ids: String,
    pub tags: String,
    pub derived: bool,
    pub internal: bool,
    #[sqlx(try_from = "String")]
    pub origin: TouchOrigin,
    pub fingerprint: i64,
    pub channel: String,
}

/// What the present rules make of a touch.
#[derive(Debug)]
pub(super) struct Reread {
    pub reading: Reading,
    /// Why the same request would not be stored today.
    pub kept: Option<Reason>,
    /// Why the stored fields do not tell what the same request would store today.
    pub unsure: Option<Reason>,
}

/// Reads a stored touch by the present rules.
///
/// Examples, for touches of version 2: source `youtube` and a `gclid` → medium `cpc`, derived, Paid Video. Source `(not set)` →
/// no source. A referrer that does not count today → the touch stays as it is, with the reason.
pub(super) fn reread(stored: &StoredTouch, settings: &Settings) -> Reread {
    let referrer = stored.referrer();
    let mut reading = stored.reading.clone();
    let (kept, unsure) = match stored.version() < RULES_VERSION {
        true => by_present_rules(&mut reading, stored, referrer.as_ref(), settings),
        false => (None, None),
    };
    let signals = reading.signals();
    let (path, origin, internal) = (stored.landing_path.clone(), reading.origin, reading.internal);
    let landing = Landing { signals, path, referrer, origin, internal };
    reading.channel = landing.classify(&settings.rules).channel.as_str().to_owned();
    if reading.link() != stored.reading.link() {
        reading.fingerprint = fingerprint(&reading.utm, &reading.click_ids, &reading.tags);
    }
    Reread { reading, kept, unsure }
}

/// Gives a touch of older rules what the same request would store today, without the channel. Returns why the request would not
/// be stored today, and why the stored fields do not tell.
fn by_present_rules(
    reading: &mut Reading,
    stored: &StoredTouch,
    referrer: Option<&Referrer>,
    settings: &Settings,
) -> (Option<Reason>, Option<Reason>) {
    reading.reread_values();
    reading.internal |= referrer.is_some_and(|referrer| settings.is_own_host(&referrer.host));
    let outside = Landing::outside(referrer, reading.internal);
    let mut signals = reading.signals();
    if stored.version() <= LAST_THAT_DERIVES_BOTH && signals.derived {
        // A browser that asks for privacy may have removed the click id that both come from.
        (signals.utm.source, signals.utm.medium, signals.derived) = (None, None, false);
    }
    undo(&mut signals, outside, reading.origin == TouchOrigin::Referrer);
    let told = complete(&mut signals, outside, &settings.ignored_referrers);
    let kept = match told {
        ToldBy::Link | ToldBy::Referrer => None,
        ToldBy::IgnoredReferrer(why) => Some(ignored(why)),
        ToldBy::Nothing if reading.internal => Some(OWN_SITE),
        ToldBy::Nothing => Some(SAYS_NOTHING),
    };
    if kept.is_none() {
        (reading.utm, reading.derived) = (signals.utm, signals.derived);
    }
    reading.origin = match (reading.origin, told) {
        (TouchOrigin::Link | TouchOrigin::Referrer, ToldBy::Link) => TouchOrigin::Link,
        (TouchOrigin::Link | TouchOrigin::Referrer, ToldBy::Referrer) => TouchOrigin::Referrer,
        (origin, _) => origin,
    };
    let unsure = match told {
        ToldBy::Referrer if is_sign_in_path(&stored.landing_path) => Some(MAYBE_SIGN_IN),
        _ => stored.reading.has_cut_escapes().then_some(CUT),
    };
    (kept, unsure)
}

impl StoredTouch {
    /// Returns the version of the built-in rules that made the touch: `2+1a2b3c4d` → 2.
    fn version(&self) -> u32 {
        self.rules_version.split('+').next().and_then(|version| version.parse().ok()).unwrap_or_default()
    }

    fn referrer(&self) -> Option<Referrer> {
        let (host, path) = Referrer::split(self.referrer.as_deref()?);
        Some(Referrer { host: host.to_owned(), path: path.to_owned() })
    }
}

impl Reading {
    /// Returns whether anything but the channel differs.
    pub fn differs_beyond_channel(&self, other: &Self) -> bool {
        Self { channel: other.channel.clone(), ..self.clone() } != *other
    }

    /// Returns what the fingerprint is made of.
    fn link(&self) -> (&Utm, &str, &str) {
        (&self.utm, &self.click_ids, &self.tags)
    }

    fn signals(&self) -> Signals {
        let ids = object::<String>(&self.click_ids).into_iter();
        let click_ids = ids.filter_map(|(name, id)| Some((click_ids::find(name.as_bytes())?.name, id))).collect();
        Signals {
            utm: self.utm.clone(),
            click_ids,
            tags: object(&self.tags),
            derived: self.derived,
            ..Signals::default()
        }
    }

    /// Reads the values by the present rules: removes placeholders, and decodes values that were encoded more than once.
    fn reread_values(&mut self) {
        for field in self.utm.values_mut() {
            *field = field.take().and_then(|stored| value::utm(&stored).into_text());
        }
        retain(&mut self.click_ids, |id: &mut String| !value::is_placeholder(id));
        retain(&mut self.tags, |values: &mut Vec<String>| {
            values.retain(|value| !value::is_placeholder(value));
            !values.is_empty()
        });
    }

    /// Returns whether a value that was cut still has escapes.
    fn has_cut_escapes(&self) -> bool {
        let mut values = self.utm.values().into_iter().flatten();
        values.any(|value| value.contains('%') && value.chars().count() >= MAX_CHARS)
    }
}

/// Reads a JSON object that Waymark wrote. Returns an empty map if the JSON cannot be read.
fn object<T: DeserializeOwned>(json: &str) -> BTreeMap<String, T> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Removes values from a JSON object. An object that keeps all its values stays as it is written, and so does its fingerprint.
fn retain<T: Clone + PartialEq + Serialize + DeserializeOwned>(json: &mut String, keep: impl Fn(&mut T) -> bool) {
    let stored = object::<T>(json);
    let mut kept = stored.clone();
    kept.retain(|_, value| keep(value));
    if kept != stored
        && let Ok(written) = serde_json::to_string(&kept)
    {
        *json = written;
    }
}

/// Returns whether answers of identity providers lead to such a path: `/auth/github/callback`.
fn is_sign_in_path(path: &str) -> bool {
    const WORDS: [&str; 9] = ["callback", "oauth", "oauth2", "auth", "openid", "oidc", "saml", "sso", "acs"];
    path.split(['/', '-', '_', '.']).any(|word| WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}
