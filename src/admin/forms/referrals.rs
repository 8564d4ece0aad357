use jiff::{ToSpan, civil::Date, tz::TimeZone};
use leptos::prelude::*;

use super::admins_only;
use crate::{
    admin::sections::REFERRALS,
    attribution::{
        referral::token::{NewToken, create_token, disable_token},
        signal::clean,
    },
    auth::forms::{Answer, Outcome},
    local_path::LocalPath,
    state::AppState,
    timestamp::Timestamp,
};

/// The name under which the forms leave their state for the page.
pub const FORM: &str = "referral-tokens";

/// Creates a referral link for a campaign. `expires_at` is the last day on which the link counts, in UTC. With an empty text the
/// link never expires.
#[server(prefix = "/api", endpoint = "referral-tokens")]
pub async fn create_referral_token(
    #[server(default)] campaign: String,
    #[server(default)] landing_path: String,
    #[server(default)] expires_at: String,
) -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(REFERRALS.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let state = expect_context::<AppState>();
    let answer = Answer::to(FORM, REFERRALS.path.to_owned())
        .keeping("campaign", &campaign)
        .keeping("landing_path", &landing_path)
        .keeping("expires_at", &expires_at);
    match parse(&campaign, &landing_path, &expires_at, state.db.now()) {
        Err(LinkMistakes { campaign, landing_path, expires_at }) => {
            Ok(answer.fields([("campaign", campaign), ("landing_path", landing_path), ("expires_at", expires_at)]))
        }
        Ok(new) => match create_token(&state.db, new, &admin).await {
            Ok(token) => Ok(answer.notice(&format!("The link /r/{token} was created."))),
            Err(error) => {
                tracing::error!(%error, "a referral link could not be made");
                Ok(answer.form("The link could not be created. Try again in a moment."))
            }
        },
    }
}

/// Disables a referral link. Disabling a link twice changes nothing.
#[server(prefix = "/api", endpoint = "referral-tokens/disable")]
pub async fn disable_referral_token(#[server(default)] token: String) -> Result<Outcome, ServerFnError> {
    let admin = match admins_only(REFERRALS.path) {
        Ok(admin) => admin,
        Err(refused) => return Ok(refused),
    };
    let state = expect_context::<AppState>();
    let answer = Answer::to(FORM, REFERRALS.path.to_owned());
    // PostgreSQL refuses text with a NUL. No token has one.
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(answer.form("There is no such link."));
    }
    match disable_token(&state.db, token.clone(), &admin).await {
        Ok(true) => Ok(answer.notice(&format!("The link /r/{token} is disabled."))),
        Ok(false) => Ok(answer.form("There is no such link.")),
        Err(error) => {
            tracing::error!(%error, "a referral link could not be disabled");
            Ok(answer.form("The link could not be disabled. Try again in a moment."))
        }
    }
}

/// What is wrong with each field.
#[derive(Debug, Default, PartialEq, Eq)]
struct LinkMistakes {
    campaign: Option<&'static str>,
    landing_path: Option<&'static str>,
    expires_at: Option<&'static str>,
}

fn parse(campaign: &str, landing_path: &str, expires_at: &str, now: Timestamp) -> Result<NewToken, LinkMistakes> {
    let campaign = clean(campaign).ok_or("Enter a name for the campaign.");
    let landing_path = parse_landing(landing_path.trim());
    let expires_at = parse_last_day(expires_at.trim(), now);
    match (campaign, landing_path, expires_at) {
        (Ok(campaign), Ok(landing_path), Ok(expires_at)) => Ok(NewToken { campaign, landing_path, expires_at }),
        (campaign, landing_path, expires_at) => Err(LinkMistakes {
            campaign: campaign.err(),
            landing_path: landing_path.err(),
            expires_at: expires_at.err(),
        }),
    }
}

/// Reads the path of a page of this site. Refuses a path with a query, because the link adds its own query. Refuses an address
/// that redirects.
fn parse_landing(path: &str) -> Result<String, &'static str> {
    let path = if path.is_empty() { "/" } else { path };
    let fine = LocalPath::parse(path).is_some()
        && path.len() <= 512
        && !path.contains(['?', '#'])
        && !["/api/", "/r/", "/pkg/"].iter().any(|other| path.starts_with(other));
    if fine { Ok(path.to_owned()) } else { Err("Enter a path on this site without ? and #, such as /pricing.") }
}

/// Returns the first moment after the last day, in UTC: `2026-11-23` → 2026-11-24T00:00:00Z.
fn parse_last_day(day: &str, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
    if day.is_empty() {
        return Ok(None);
    }
    let end = day
        .parse::<Date>()
        .and_then(|day| day.checked_add(1.day()))
        .and_then(|next| next.to_zoned(TimeZone::UTC))
        .map(|next| Timestamp::from(next.timestamp()))
        .map_err(|_| "Enter a day such as 2026-12-31, or leave this empty.")?;
    if end > now { Ok(Some(end)) } else { Err("This day is in the past.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T12:00:00Z
    const NOW: Timestamp = Timestamp::from_millis(1_795_435_200_000);

    #[test]
    fn a_link_is_made_of_clean_values() {
        let new = parse(" Partner\tWeek ", "", "2026-11-23", NOW).expect("it is fine");
        assert_eq!(
            new,
            NewToken {
                campaign: "partner week".into(),
                landing_path: "/".into(),
                expires_at: Some(Timestamp::from_millis(1_795_478_400_000))
            }
        );
        assert_eq!(parse("x", "/register", "", NOW).expect("it is fine").expires_at, None);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mistakes = parse(" \u{0}", "https://evil.example", "2026-11-22", NOW).expect_err("all are wrong");
        assert!(mistakes.campaign.is_some() && mistakes.landing_path.is_some());
        assert_eq!(mistakes.expires_at, Some("This day is in the past."));
        assert_eq!(parse("x", "/", "tomorrow", NOW).expect_err("no day").campaign, None);
    }

    #[test]
    fn links_lead_to_paths_of_this_site_only() {
        for wrong in [
            "x",
            "//evil",
            "/\\evil",
            "/a b",
            "/a?b",
            "/a#b",
            "/ä",
            "/r/abcdefgh",
            "/api/logout",
            "/a\r\nb",
            "javascript:x",
        ] {
            assert!(parse_landing(wrong).is_err(), "{wrong}");
        }
        for fine in ["/", "/pricing", "/docs/start", "/admin"] {
            assert_eq!(parse_landing(fine).as_deref(), Ok(fine));
        }
    }
}
