//! A touch that waits: for the database, in a cookie; for the visitor's consent, in a form's field or in an address.
//!
//! The text holds the link again, as a query string, which the parser of links reads. The text is not signed, because a forged
//! text only makes an arrival of the forger, as typing a link does. Only the time is taken on trust: within a week in the cookie,
//! within half an hour elsewhere.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{
    attribution::{
        settings::{Gpc, Settings},
        signal::{Utm, parse, referrer::Referrer},
        source::completion,
        touch::{Landing, Touch, TouchOrigin},
    },
    cookie::SiteCookie,
    id::TouchSeed,
    timestamp::{DAY, Timestamp},
};

/// A cookie holds 4 KiB with its name and attributes.
const COOKIE_BYTES: usize = 3800;
/// The most touches that can wait.
const MAX_TOUCHES: usize = 20;
/// The greatest age that a deferred touch may claim.
const MAX_AGE: Duration = Duration::from_hours(7 * 24);
/// How long a landing waits for the visitor's decision, in an address or in a form.
pub const LANDING_MAX_AGE: Duration = Duration::from_mins(30);

/// The parts from which a touch can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferredTouch {
    #[serde(rename = "i")]
    seed: TouchSeed,
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
    origin: TouchOrigin,
}

impl DeferredTouch {
    pub fn of(touch: &Touch) -> Self {
        Self {
            seed: touch.seed,
            occurred_at: touch.occurred_at,
            query: query(touch),
            path: touch.landing_path.clone(),
            referrer: touch.referrer.clone(),
            internal: touch.internal,
            derived: touch.derived,
            origin: touch.origin,
        }
    }

    /// Returns what the arrival said.
    pub fn landing(&self, settings: &Settings) -> Landing {
        let referrer = self.referrer.as_ref().and_then(|referrer| Referrer::parse(&format!("https://{referrer}")));
        let mut signals = parse(&self.query, &settings.custom_tags);
        signals.derived = self.derived;
        Landing { signals, path: self.path.clone(), referrer, origin: self.origin, internal: self.internal }
    }

    /// Makes the touch again, with the same id. So a touch is not stored twice if the response to the first try got lost.
    ///
    /// Returns `None` if there is no signal, if the path or origin cannot come from a link, or if `gpc` forbids capture. `gpc`
    /// says that the browser sends `Sec-GPC: 1`.
    pub fn restore(&self, settings: &Settings, now: Timestamp, gpc: bool) -> Option<Touch> {
        let mut landing = self.landing(settings);
        let made_here = matches!(self.origin, TouchOrigin::Seeded | TouchOrigin::Import);
        if made_here || !self.path.starts_with('/') || self.path.starts_with("//") {
            return None;
        }
        match settings.gpc {
            Gpc::NoCapture if gpc => return None,
            Gpc::NoClickIds if gpc => drop_click_ids(&mut landing, settings),
            _ => {}
        }
        if landing.signals.is_empty() {
            return None;
        }
        let touch = Touch::new(landing, self.occurred_at.clamp(now - MAX_AGE, now), &settings.rules);
        // The cookie is not signed. An id of another time would stand where scans by id have passed already.
        let is_timely = is_made_between(self.seed, now - MAX_AGE - DAY, now + DAY);
        Some(if is_timely { touch.with_seed(self.seed) } else { touch })
    }

    /// Returns the same arrival with the fields of `touch`, which a handler completed.
    ///
    /// The result claims to come from a link, because [`restore`](Self::restore) refuses what claims to be seeded.
    pub fn completed(&self, touch: &Touch) -> Self {
        Self { seed: self.seed, occurred_at: self.occurred_at, origin: TouchOrigin::Link, ..Self::of(touch) }
    }

    /// Puts the touch into a list in place of the touch with the same id, or else at the end.
    pub fn put_into(self, touches: &mut Vec<Self>) {
        match touches.iter_mut().find(|touch| touch.seed == self.seed) {
            Some(touch) => *touch = self,
            None => touches.push(self),
        }
    }

    /// Makes the touch of a landing that waited for the visitor's decision. A landing that waited for too long does not count.
    ///
    /// The touch gets a new id. Otherwise a copy of the text, sent by another browser, could claim the touch that the visitor
    /// agreed to.
    pub fn restore_landing(&self, settings: &Settings, now: Timestamp, gpc: bool) -> Option<Touch> {
        let touch = self.restore(settings, now, gpc).filter(|_| now - self.occurred_at <= LANDING_MAX_AGE)?;
        Some(touch.with_seed(TouchSeed::new()))
    }

    /// Returns the text for a form's field or an address. [`decode`] reads it.
    pub fn encoded(&self) -> String {
        encode(std::slice::from_ref(self))
    }
}

/// Removes the click ids, and what they told of source and medium.
fn drop_click_ids(landing: &mut Landing, settings: &Settings) {
    let outside = Landing::outside(landing.referrer.as_ref(), landing.internal);
    completion::undo(&mut landing.signals, outside, landing.origin == TouchOrigin::Referrer);
    landing.signals.click_ids.clear();
    completion::complete(&mut landing.signals, outside, &settings.ignored_referrers);
}

/// Returns whether a seed of version 7 says that it was made between two moments.
fn is_made_between(seed: TouchSeed, first: Timestamp, last: Timestamp) -> bool {
    let id = seed.as_uuid();
    let (seconds, _) = id.get_timestamp().map_or((0, 0), |at| at.to_unix());
    let made = Timestamp::from_millis(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000));
    id.get_version_num() == 7 && first <= made && made <= last
}

/// Returns a touch's fields as a query string, including source and medium that were derived from a click id or the referrer.
fn query(touch: &Touch) -> String {
    let mut query = String::new();
    let mut add = |name: &str, value: &str| {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        // Writing to a string cannot fail.
        let _ = write!(query, "&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    };
    for (name, value) in Utm::PARAMETERS.into_iter().zip(touch.utm.values()) {
        value.iter().for_each(|value| add(name, value));
    }
    let click_ids: BTreeMap<String, String> = serde_json::from_str(&touch.click_ids).unwrap_or_default();
    click_ids.iter().for_each(|(name, id)| add(name, id));
    let tags: BTreeMap<String, Vec<String>> = serde_json::from_str(&touch.tags).unwrap_or_default();
    tags.iter().for_each(|(name, values)| values.iter().for_each(|value| add(name, value)));
    query
}

fn cookie(secure: bool) -> SiteCookie {
    SiteCookie::new("__Host-waymark-waiting", secure)
}

/// Reads the touches in a request's cookie.
pub fn read(headers: &HeaderMap, secure: bool) -> Vec<DeferredTouch> {
    cookie(secure).values(headers).next().map(decode).unwrap_or_default()
}

fn encode(touches: &[DeferredTouch]) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(touches).unwrap_or_default())
}

/// Returns the touches in a text. A text that cannot be read has none.
pub fn decode(text: &str) -> Vec<DeferredTouch> {
    // A longer text is forged, and each touch in it would cost a transaction.
    let json = Some(text).filter(|text| text.len() <= COOKIE_BYTES).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let mut touches: Vec<DeferredTouch> = json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    touches.truncate(MAX_TOUCHES);
    touches
}

/// Returns the `Set-Cookie` for touches, and how many had no room. Without touches the cookie is removed.
///
/// If not all touches have room, the first ones stay, because only they tell how the visitor first came.
pub fn set_cookie(touches: &[DeferredTouch], secure: bool) -> (String, usize) {
    let fits = |kept: &usize| encode(&touches[..*kept]).len() <= COOKIE_BYTES;
    match (1..=touches.len()).rev().find(fits) {
        Some(kept) => (cookie(secure).set(&encode(&touches[..kept]), MAX_AGE), touches.len() - kept),
        None => (cookie(secure).removal(), touches.len()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;
    use crate::{
        attribution::{
            channel::rules::Rules,
            settings::Site,
            signal::{custom_tags::CustomTags, from_click_ids},
        },
        variables::Variables,
    };

    fn touch(link: &str) -> Touch {
        let tags = CustomTags::parse("Partner", &[]).expect("a tag");
        let mut signals = parse(link, &tags);
        from_click_ids::fill(&mut signals, None);
        let (path, origin) = ("/pricing".to_owned(), TouchOrigin::Link);
        Touch::new(
            Landing { signals, path, referrer: None, origin, internal: false },
            Timestamp::from_millis(5),
            &Rules::default(),
        )
    }

    fn headers(waiting: &[DeferredTouch]) -> HeaderMap {
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
            let read = read(&headers(&[DeferredTouch::of(&touch)]), false);
            let [waiting] = read.as_slice() else { panic!("one touch waits: {read:?}") };
            let again = self::touch(&waiting.query);
            assert_eq!(
                (again.utm, again.click_ids, again.tags, waiting.derived),
                (touch.utm, touch.click_ids, touch.tags, touch.derived)
            );
            assert_eq!(
                (waiting.seed, waiting.occurred_at, waiting.origin),
                (touch.seed, Timestamp::from_millis(5), TouchOrigin::Link)
            );
        }
    }

    #[test]
    fn what_has_no_room_is_told_and_the_first_stay() {
        let long = format!("utm_source={}", "x".repeat(250));
        let many: Vec<_> = (0..20).map(|n| DeferredTouch::of(&touch(&format!("{long}&utm_campaign=c{n}")))).collect();
        let (set, dropped) = set_cookie(&many, true);
        assert!(set.len() < 4096 && dropped > 0 && set.starts_with("__Host-"), "{}", set.len());
        let kept = read(&headers(&many), false);
        assert_eq!(kept, many[..kept.len()]);
    }

    #[test]
    fn click_ids_that_a_browser_does_not_want_to_be_kept_tell_nothing() {
        let site = Site { url: "https://shop.example", no_pages: &[], reserved_parameters: &[] };
        let settings = Settings::read(&mut Variables::new(&|_: &str| None), site);
        let now = Timestamp::from_millis(5);
        let restored = |link: &str, gpc| DeferredTouch::of(&touch(link)).restore(&settings, now, gpc);
        let named = |touch: &Touch| (touch.utm.source.clone(), touch.utm.medium.clone());
        let (google, cpc, youtube) = (Some("google".to_owned()), Some("cpc".to_owned()), Some("youtube".to_owned()));
        assert!(restored("gclid=x", true).is_none());
        assert_eq!(restored("gclid=x", false).as_ref().map(named), Some((google.clone(), cpc.clone())));
        let kept = restored("utm_source=youtube&gclid=x", true).expect("a touch");
        assert_eq!((named(&kept), &*kept.click_ids, kept.derived), ((youtube, None), "{}", false));
        let kept = restored("utm_source=google&utm_medium=cpc&gclid=x", true).expect("a touch");
        assert_eq!((named(&kept), kept.derived), ((google, cpc), false));
    }

    #[test]
    fn nonsense_is_no_touch() {
        for value in ["", "%", "bm9uc2Vuc2U", "W10", "e30"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("waymark-waiting={value}").parse().expect("a header value"));
            assert_eq!(read(&headers, false), []);
        }
    }

    #[test]
    fn an_id_of_another_time_is_replaced() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let made = |millis: u64| {
            let at = uuid::Timestamp::from_unix(uuid::NoContext, millis / 1000, 0);
            TouchSeed::from(uuid::Uuid::new_v7(at))
        };
        let day = 24 * 60 * 60 * 1000;
        for (id, kept) in [
            (made(1_800_000_000_000), true),
            (made(1_800_000_000_000 - 7 * day), true),
            (made(1_800_000_000_000 - 9 * day), false),
            (made(1_800_000_000_000 + 2 * day), false),
            (TouchSeed::NIL, false),
            (TouchSeed::from(uuid::Uuid::max()), false),
            (TouchSeed::from(uuid::Uuid::new_v4()), false),
        ] {
            assert_eq!(is_made_between(id, now - MAX_AGE - DAY, now + DAY), kept, "{id}");
        }
    }
}
