//! Touches that the database could not take wait in a cookie, and are stored with the next request that it answers.
//!
//! The cookie holds the link again, as a query string, and goes through the very parser that links go through. It is not
//! signed: who forges one forges an arrival of their own, as anybody can who types a link; so all that is trusted is the time,
//! and that within a week.

use std::{fmt::Write as _, time::Duration};

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{
    attribution::{
        Attribution,
        settings::Gpc,
        signal::{Signals, parse, referrer::Referrer},
        touch::{Arrived, Origin, Touch},
    },
    cookie,
    id::TouchId,
    timestamp::Timestamp,
};

/// A cookie holds 4 KiB with its name and attributes.
const COOKIE_BYTES: usize = 3800;
/// How many touches can wait.
const MOST: usize = 20;
/// How far back a waiting touch may claim to be.
pub(crate) const OLDEST: Duration = Duration::from_hours(7 * 24);

/// A touch that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    #[serde(rename = "i")]
    id: TouchId,
    #[serde(rename = "t")]
    occurred_at: Timestamp,
    #[serde(rename = "q")]
    query: String,
    #[serde(rename = "p")]
    path: String,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    internal: bool,
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    derived: bool,
    #[serde(rename = "o", default)]
    origin: Origin,
}

impl Waiting {
    /// What is needed to make this touch again.
    pub(crate) fn of(touch: &Touch) -> Self {
        Self {
            id: touch.id,
            occurred_at: touch.occurred_at,
            query: query(touch),
            path: touch.landing_path.clone(),
            referrer: touch.referrer.clone(),
            internal: touch.internal,
            derived: touch.derived,
            origin: touch.origin,
        }
    }

    /// The touch, if the cookie still says one.
    /// `gpc`: the browser asks for privacy.
    pub(crate) fn touch(&self, attribution: &Attribution, gpc: bool) -> Option<Touch> {
        let referrer = self.referrer.as_ref().and_then(|referrer| Referrer::parse(&format!("https://{referrer}")));
        let mut signals: Signals = parse(&self.query, referrer.as_ref(), &attribution.settings.custom_tags);
        // what a link cannot say, no touch that waits says either
        let made_here = matches!(self.origin, Origin::Seeded | Origin::Import);
        if signals.is_empty() || made_here || !self.path.starts_with('/') || self.path.starts_with("//") {
            return None;
        }
        match attribution.settings.gpc {
            Gpc::NoCapture if gpc => return None,
            Gpc::NoClickIds if gpc => signals.click_ids.clear(),
            _ => {}
        }
        let now = attribution.db.now();
        let time = self.occurred_at.clamp(now - OLDEST, now);
        signals.derived = self.derived;
        let arrived = Arrived {
            signals: &signals,
            path: &self.path,
            referrer: referrer.as_ref(),
            origin: self.origin,
            internal: self.internal,
            at: time,
        };
        let mut touch = Touch::new(&arrived, &attribution.settings.rules);
        // The same id each time it is tried: a touch whose answer got lost is not stored twice.
        touch.id = self.id;
        Some(touch)
    }
}

/// A touch's link: what it said, with what was derived from it or from its referrer.
fn query(touch: &Touch) -> String {
    let mut query = String::new();
    let mut add = |name: &str, value: &str| {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        // writing to a string cannot fail
        let _ = write!(query, "&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    };
    let utm = &touch.utm;
    let fields = [
        ("utm_source", utm.source.clone()),
        ("utm_medium", utm.medium.clone()),
        ("utm_campaign", utm.campaign.clone()),
        ("utm_term", utm.term.clone()),
        ("utm_content", utm.content.clone()),
        ("utm_id", utm.id.clone()),
        ("utm_source_platform", utm.source_platform.clone()),
        ("utm_creative_format", utm.creative_format.clone()),
        ("utm_marketing_tactic", utm.marketing_tactic.clone()),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            add(name, &value);
        }
    }
    let click_ids: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&touch.click_ids).unwrap_or_default();
    for (name, id) in click_ids {
        add(&name, &id);
    }
    let tags: std::collections::BTreeMap<String, Vec<String>> = serde_json::from_str(&touch.tags).unwrap_or_default();
    for (name, values) in tags {
        for value in values {
            add(&name, &value);
        }
    }
    query
}

/// The cookie's name.
pub(crate) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-waymark-waiting" } else { "waymark-waiting" }
}

/// The touches that wait in a request's cookie.
pub(crate) fn read(headers: &HeaderMap, secure: bool) -> Vec<Waiting> {
    cookie::values(headers, cookie_name(secure)).next().map(decode).unwrap_or_default()
}

/// Touches as text for a cookie or a form's field.
pub(crate) fn encode(waiting: &[Waiting]) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(waiting).unwrap_or_default())
}

/// The touches in such a text; none in one that makes no sense.
pub(crate) fn decode(text: &str) -> Vec<Waiting> {
    // longer than we make them: nobody's but a forger's, and each entry costs a transaction
    let json = Some(text).filter(|text| text.len() <= COOKIE_BYTES).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let mut waiting: Vec<Waiting> = json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    waiting.truncate(MOST);
    waiting
}

/// The `Set-Cookie` for touches that wait; none of them takes the cookie away. The first touches stay where not all have room:
/// how a visitor came first is what nothing else will tell. Answers also how many had none.
pub(crate) fn set_cookie(waiting: &[Waiting], secure: bool) -> (String, usize) {
    let name = cookie_name(secure);
    let attributes =
        if secure { "; Path=/; HttpOnly; SameSite=Lax; Secure" } else { "; Path=/; HttpOnly; SameSite=Lax" };
    let mut kept = waiting.len();
    loop {
        let value = encode(&waiting[..kept]);
        if kept == 0 {
            return (format!("{name}=; Max-Age=0{attributes}"), waiting.len());
        }
        if value.len() <= COOKIE_BYTES {
            return (format!("{name}={value}; Max-Age={}{attributes}", OLDEST.as_secs()), waiting.len() - kept);
        }
        kept -= 1;
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;
    use crate::attribution::{channel::rules::Rules, signal::custom_tags::CustomTags};

    fn touch(link: &str) -> Touch {
        let tags = CustomTags::parse("Partner", &[]).expect("a tag");
        let signals = parse(link, None, &tags);
        let arrived = Arrived {
            signals: &signals,
            path: "/pricing",
            referrer: None,
            origin: Origin::Link,
            internal: false,
            at: Timestamp::from_millis(5),
        };
        Touch::new(&arrived, &Rules::default())
    }

    fn cookie(waiting: &[Waiting]) -> HeaderMap {
        let (set, _) = set_cookie(waiting, false);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, set.split(';').next().expect("a pair").parse().expect("a header value"));
        headers
    }

    #[test]
    fn a_touch_comes_back_as_it_was() {
        for link in [
            "utm_source=Google&utm_medium=CPC&utm_campaign=a%26b%3Dc&gclid=A+b%2B-_&partner=ACME&partner=B%20C",
            "gclid=Cj0K+x/y",
            "utm_campaign=only&fbclid=x",
        ] {
            let touch = touch(link);
            let read = read(&cookie(&[Waiting::of(&touch)]), false);
            let [waiting] = read.as_slice() else { panic!("one touch waits: {read:?}") };
            let again = self::touch(&waiting.query);
            assert_eq!(
                (again.utm, again.click_ids, again.tags, waiting.derived),
                (touch.utm, touch.click_ids, touch.tags, touch.derived)
            );
            assert_eq!(
                (waiting.id, waiting.occurred_at, waiting.origin),
                (touch.id, Timestamp::from_millis(5), Origin::Link)
            );
        }
    }

    #[test]
    fn what_has_no_room_is_told_and_the_first_stay() {
        let long = format!("utm_source={}", "x".repeat(250));
        let many: Vec<_> = (0..20).map(|n| Waiting::of(&touch(&format!("{long}&utm_campaign=c{n}")))).collect();
        let (set, dropped) = set_cookie(&many, true);
        assert!(set.len() < 4096 && dropped > 0 && set.starts_with("__Host-"), "{}", set.len());
        let kept = read(&cookie(&many), false);
        assert_eq!(kept, many[..kept.len()]);
    }

    #[test]
    fn nonsense_is_no_touch() {
        for value in ["", "%", "bm9uc2Vuc2U", "W10", "e30"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("waymark-waiting={value}").parse().expect("a header value"));
            assert_eq!(read(&headers, false), []);
        }
    }
}
