//! What a visitor decided about consent. A separate cookie keeps the decision, because before consent there is no session.
//!
//! | `ATTRIBUTION_CONSENT` | undecided | agreed | declined |
//! |---|---|---|---|
//! | `implied` | captured | captured | not captured |
//! | `required` | the landing's touch waits in the page | captured | not captured |
//!
//! A decision holds for [`MAX_AGE`]. Agreement holds only for the [`WORDING`] that the visitor read; a refusal holds for every
//! wording. The table `consents` also keeps the decisions of stored visitors, because an owner must be able to prove consent
//! (GDPR, article 7).

/// Stores decisions in the database, and removes a visitor who declines.
pub mod log;

use std::time::Duration;

use axum::http::HeaderMap;

use crate::{
    attribution::settings::{ConsentMode, Settings},
    cookie::SiteCookie,
    timestamp::Timestamp,
};

/// The version of the text that visitors agree to. Raise the version when the text's meaning changes. Every visitor is then asked
/// again.
pub const WORDING: &str = "1";

/// How long a decision holds: half a year, as the French authority recommends (CNIL, guidelines of 17 September 2020).
pub const MAX_AGE: Duration = Duration::from_hours(182 * 24);

/// What a visitor decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub granted: bool,
    pub wording: String,
    pub decided_at: Timestamp,
}

/// Whether a request may be captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Capture.
    Given,
    /// Ask the visitor.
    Undecided,
    /// Do not capture.
    Refused,
}

/// Returns the cookie that keeps a decision.
pub fn decision_cookie(secure: bool) -> SiteCookie {
    SiteCookie::new("__Host-waymark-consent", secure)
}

/// Returns the decision in the browser's cookie. A cookie that cannot be read counts as no decision. If there are several
/// decisions and one declines, the visitor has declined.
pub fn decision(headers: &HeaderMap, secure: bool) -> Option<Decision> {
    decision_cookie(secure).values(headers).filter_map(read).min_by_key(|decision| decision.granted)
}

fn read(value: &str) -> Option<Decision> {
    let mut parts = value.split('.');
    let granted = match parts.next()? {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    let wording = parts.next().filter(|wording| wording.len() <= 16)?.to_owned();
    let decided_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(Decision { granted, wording, decided_at })
}

/// Returns whether a request may be captured.
pub fn consent(headers: &HeaderMap, settings: &Settings) -> Consent {
    match (decision(headers, settings.secure), settings.consent) {
        (Some(Decision { granted: false, .. }), _) => Consent::Refused,
        (_, ConsentMode::Implied) => Consent::Given,
        (Some(Decision { wording, .. }), ConsentMode::Required) if wording == WORDING => Consent::Given,
        (_, ConsentMode::Required) => Consent::Undecided,
    }
}

/// Returns the `Set-Cookie` that keeps a decision.
pub fn set_cookie(granted: bool, now: Timestamp, secure: bool) -> String {
    let word = if granted { "yes" } else { "no" };
    decision_cookie(secure).set(&format!("{word}.{WORDING}.{}", now.as_millis()), MAX_AGE)
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;
    use crate::{attribution::settings::Site, variables::Variables};

    fn settings(mode: &str) -> Settings {
        let get = |name: &str| (name == "ATTRIBUTION_CONSENT").then(|| mode.to_owned());
        let site = Site { url: "http://127.0.0.1:3000", no_pages: &[], reserved_parameters: &[] };
        Settings::read(&mut Variables::new(&get), site)
    }

    fn of(cookie: &str, mode: &str) -> Consent {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().expect("a header value"));
        consent(&headers, &settings(mode))
    }

    #[test]
    fn a_decision_holds_in_its_mode() {
        use Consent::{Given, Refused, Undecided};
        for (cookie, implied, required) in [
            ("a=b", Given, Undecided),
            ("a=b; waymark-consent=yes.1.5", Given, Given),
            ("waymark-consent=no.1.5", Refused, Refused),
            ("waymark-consent=yes.0.5", Given, Undecided),
            ("waymark-consent=no.0.5", Refused, Refused),
            ("waymark-consent=perhaps.1.5", Given, Undecided),
            ("waymark-consent=yes.1.soon", Given, Undecided),
            ("waymark-consent=yes.1.5.6", Given, Undecided),
            ("waymark-consent=", Given, Undecided),
            ("waymark-consent=yes.1.5; waymark-consent=no.1.5", Refused, Refused),
            ("waymark-consent2=no.1.5", Given, Undecided),
        ] {
            assert_eq!((of(cookie, "implied"), of(cookie, "required")), (implied, required), "{cookie}");
        }
    }

    #[test]
    fn what_is_set_is_read() {
        for granted in [true, false] {
            let set = set_cookie(granted, Timestamp::from_millis(17), false);
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, set.split(';').next().expect("a pair").parse().expect("a header value"));
            let expected = Decision { granted, wording: WORDING.to_owned(), decided_at: Timestamp::from_millis(17) };
            assert_eq!(decision(&headers, false), Some(expected));
        }
        assert!(
            set_cookie(true, Timestamp::from_millis(17), true)
                .starts_with("__Host-waymark-consent=yes.1.17; Path=/; HttpOnly")
        );
    }
}
