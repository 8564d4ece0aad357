use std::time::Duration;

use leptos::prelude::*;

use crate::{
    attribution::{
        consent,
        settings::{ConsentMode, Gpc, Settings},
    },
    auth::{current_user, session_lifetime},
    components::{Card, ConsentChoice, DataTable, PublicPage, Section, Th, format},
    state::AppState,
};

const DAY: u64 = 24 * 60 * 60;

/// What this site stores, as it is configured: made from the configuration, so that it cannot say anything else.
#[component]
pub fn PrivacyPage() -> impl IntoView {
    // The server provides it to every page.
    let state = expect_context::<AppState>();
    let settings = &state.config.attribution;
    let (in_short, on_arrival, retention) = (in_short(settings), on_arrival(settings), retention(settings));
    let secure = settings.secure;
    view! {
        <PublicPage title="Privacy" section=Section::None>
            <div class="wrap account">
                <h1>"Privacy"</h1>
                <Card title="In short"><div class="prose">{in_short}</div></Card>
                <Card title="Your choice"><div class="stack" id="choice"><ConsentChoice/></div></Card>
                <Card title="What is stored when a link leads you here"><div class="prose">{on_arrival}</div></Card>
                <Card title="What is stored when you have an account"><div class="prose">{with_account()}</div></Card>
                <Card title="What is not stored"><div class="prose">{never()}</div></Card>
                <Card title="How long it is kept"><div class="prose">{retention}</div></Card>
                <Card title="Cookies"><Cookies secure/></Card>
                <Card title="What you can do"><div class="prose">{rights()}</div></Card>
            </div>
        </PublicPage>
    }
}

fn in_short(settings: &Settings) -> AnyView {
    let asked = match settings.consent {
        ConsentMode::Required => {
            "Before you agree, nothing about you is stored: no cookie is set for it and nothing is written down."
        }
        ConsentMode::Implied => {
            "That happens with your first visit, unless you decline or your browser asks for privacy in a way that is \
             honoured here (see below)."
        }
    };
    view! {
        <p>
            "This site remembers which links and campaigns led you here, and, once you sign up, that they led to your account. "
            {asked}
        </p>
        <p>"It is stored by this site itself, and given to nobody else. Nothing is loaded from other sites."</p>
    }
    .into_any()
}

fn on_arrival(settings: &Settings) -> AnyView {
    let tags: Vec<&str> = settings.custom_tags.names().collect();
    let tags = match tags.is_empty() {
        true => view! { <li>"No other parameters of the address."</li> }.into_any(),
        false => view! {
            <li>
                "These further parameters of the address: "
                {tags.into_iter().enumerate().map(|(n, tag)| view! {
                    {(n > 0).then_some(", ")} <code>{tag.to_owned()}</code>
                }).collect_view()}
                "."
            </li>
        }
        .into_any(),
    };
    let signal = match settings.gpc {
        Gpc::NoClickIds => {
            "Where your browser sends Global Privacy Control, advertising networks' click ids are not stored; the rest is."
        }
        Gpc::NoCapture => "Where your browser sends Global Privacy Control, none of this is stored.",
        Gpc::Ignore => "Global Privacy Control, which some browsers send, changes nothing here.",
    };
    view! {
        <p>"Only where the link says where it comes from, or another site's page links here:"</p>
        <ul>
            <li>
                "The campaign parameters of its address: "
                <code>"utm_source"</code> ", " <code>"utm_medium"</code> ", " <code>"utm_campaign"</code> ", "
                <code>"utm_term"</code> ", " <code>"utm_content"</code>
                " and their kin; and the click ids of advertising networks, such as " <code>"gclid"</code> "."
            </li>
            {tags}
            <li>"The page that linked here, by its host and path, without its query."</li>
            <li>"The page you came to, without its query, and the time."</li>
            <li>"A random number that stands for your browser."</li>
        </ul>
        <p>{signal} " What this site says about it to programs: "
            <a href="/.well-known/gpc.json" rel="external">"gpc.json"</a> "."</p>
    }
    .into_any()
}

fn with_account() -> AnyView {
    view! {
        <ul>
            <li>"Your e-mail address, and a hash of your password from which the password cannot be read."</li>
            <li>"When you signed up, and what you bought or did that counts as a success of a campaign."</li>
            <li>"Where you are signed in and until when, and how often signing in with your address failed lately."</li>
            <li>"Your referral link, whom it brought, and whose link brought you."</li>
            <li>"If you were asked for consent: when, to which text, and what you decided."</li>
        </ul>
    }
    .into_any()
}

fn never() -> AnyView {
    view! {
        <ul>
            <li>
                "Your IP address. To slow down guessing and floods it is counted in memory for a few minutes, and never written
                down, in the logs neither."
            </li>
            <li>"Your browser's name and version (its user agent). It is looked at to leave out programs, and forgotten."</li>
            <li>"What you do on the pages, or where you go from here."</li>
            <li>"Parameters that name a person to a mailing service."</li>
        </ul>
    }
    .into_any()
}

fn retention(settings: &Settings) -> AnyView {
    let kept = |kept: Option<Duration>| match kept {
        Some(kept) => format!("are removed after {}.", lasts(kept)),
        None => "are kept until they are erased.".to_owned(),
    };
    view! {
        <ul>
            <li>"Arrivals of visitors without an account " {kept(settings.keep_unlinked)}</li>
            <li>"Arrivals of people with an account " {kept(settings.keep_linked)}</li>
            <li>"The account itself is kept until it is erased."</li>
            <li>"Failed sign-ins are forgotten after a day, sessions when they end."</li>
        </ul>
    }
    .into_any()
}

/// One line of the table.
struct Cookie {
    name: String,
    purpose: &'static str,
    lasts: String,
}

/// All cookies that the server sets. A test collects them from its answers.
fn cookies(secure: bool) -> Vec<Cookie> {
    let own = |name: &str| if secure { format!("__Host-{name}") } else { name.to_owned() };
    vec![
        Cookie {
            name: own("waymark"),
            purpose: "Recognises your browser: the links that led you here, and that you are signed in.",
            lasts: format!("{} at most", lasts(Duration::from_millis(session_lifetime::LIFETIME.unsigned_abs()))),
        },
        Cookie {
            name: own("flash"),
            purpose: "Shows once, on the page after a form, what was wrong or done.",
            lasts: "1 minute".into(),
        },
        Cookie {
            name: own("waymark-waiting"),
            purpose: "Holds the link that led you here while it cannot be stored, because the database is away.",
            lasts: "7 days, usually until the next page".into(),
        },
        Cookie {
            name: consent::cookie_name(secure).into(),
            purpose: "Remembers whether you agreed or declined.",
            lasts: lasts(Duration::from_secs(consent::MAX_AGE_DAYS.unsigned_abs() * DAY)),
        },
    ]
}

#[component]
fn Cookies(secure: bool) -> impl IntoView {
    let rows = cookies(secure).into_iter().map(|Cookie { name, purpose, lasts }| {
        view! {
            <tr>
                <th scope="row"><code>{name}</code></th>
                <td>{purpose}</td>
                <td>{lasts}</td>
            </tr>
        }
    });
    view! {
        <DataTable caption="Cookies">
            <thead><tr><Th label="Name"/><Th label="Purpose"/><Th label="Lasts"/></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </DataTable>
        <p class="muted">
            "None of them can be read by another site or by scripts. If you choose light or dark colours, your browser keeps that
            choice for itself and does not send it."
        </p>
    }
}

fn rights() -> AnyView {
    let account = match current_user() {
        Some(_) => view! { <a href="/account#your-data">"On your account's page"</a> }.into_any(),
        None => view! { <a href="/login?next=/account">"On your account's page"</a> }.into_any(),
    };
    view! {
        <ul>
            <li>
                {account}
                " you can download everything that is stored about you as one file, and erase it. What cannot say who you were stays
                in the totals."
            </li>
            <li>
                "Without an account, delete this site's cookies: what was stored belongs to nobody any more, and goes when its time
                has come."
            </li>
        </ul>
    }
    .into_any()
}

/// A duration as people say it: `90 days`, `760 days (25 months)`.
fn lasts(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let of = |unit: u64| i64::try_from(seconds / unit).unwrap_or(i64::MAX);
    match seconds {
        s if s >= 365 * DAY => {
            // 30.4375 days: a twelfth of a year with its leap day
            let months = (seconds as f64 / DAY as f64 / 30.4375).round() as i64;
            format!("{} ({} months)", format::plural(of(DAY), "day", "days"), months)
        }
        s if s >= DAY && s % DAY == 0 => format::plural(of(DAY), "day", "days"),
        s if s >= 3600 => format::plural(of(3600), "hour", "hours"),
        s if s >= 60 => format::plural(of(60), "minute", "minutes"),
        _ => format::plural(of(1), "second", "seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_say_them() {
        for (seconds, said) in [
            (760 * DAY, "760 days (25 months)"),
            (90 * DAY, "90 days"),
            (DAY, "1 day"),
            (36 * 3600, "36 hours"),
            (1800, "30 minutes"),
            (1, "1 second"),
        ] {
            assert_eq!(lasts(Duration::from_secs(seconds)), said);
        }
    }
}
