use std::time::Duration;

use leptos::prelude::*;

use super::consent::ConsentChoice;
use crate::{
    attribution::{
        consent,
        settings::{ConsentMode, Gpc},
    },
    auth::{current_user, known_device, session_lifetime},
    components::{Card, DataTable, PublicPage, Section, Th, format},
    state::AppState,
};

const DAY: u64 = 24 * 60 * 60;

/// What this site stores. The page is made from the configuration, so that it always says what the server does.
#[component]
pub fn PrivacyPage() -> impl IntoView {
    // the server provides the state to every page
    let state = expect_context::<AppState>();
    let settings = &state.config.attribution;
    let (consent, gpc, secure) = (settings.consent, settings.gpc, settings.secure);
    let (unlinked, linked, audit) = (settings.keep_unlinked, settings.keep_linked, state.config.audit_keep);
    let tags: Vec<String> = settings.custom_tags.names().map(str::to_owned).collect();
    view! {
        <PublicPage title="Privacy" section=Section::None>
            <div class="wrap account">
                <h1>"Privacy"</h1>
                <Card title="In short"><div class="prose"><InShort consent/></div></Card>
                <Card title="Your choice"><div class="stack" id="choice"><ConsentChoice/></div></Card>
                <Card title="What is stored when a link leads you here"><div class="prose"><OnArrival tags gpc/></div></Card>
                <Card title="What is stored when you have an account"><div class="prose"><WithAccount/></div></Card>
                <Card title="What is not stored"><div class="prose"><NotStored/></div></Card>
                <Card title="How long it is stored"><div class="prose"><Retention unlinked linked audit/></div></Card>
                <Card title="Cookies"><Cookies secure/></Card>
                <Card title="What you can do"><div class="prose"><Rights signed_in=current_user().is_some()/></div></Card>
            </div>
        </PublicPage>
    }
}

#[component]
fn InShort(consent: ConsentMode) -> impl IntoView {
    let when = match consent {
        ConsentMode::Required => "Before you agree, nothing about you is stored, and no cookie is set for it.",
        ConsentMode::Implied => {
            "This begins with your first visit, unless you decline or your browser sends a privacy signal that this site \
             follows (see below)."
        }
    };
    view! {
        <p>
            "This site remembers which links and campaigns led you here. When you sign up, it links them to your account. "
            {when}
        </p>
        <p>"This site stores the data itself and does not share it. Its pages load nothing from other sites."</p>
    }
}

#[component]
fn OnArrival(tags: Vec<String>, gpc: Gpc) -> impl IntoView {
    let (tags_before, tags_after) = match tags.is_empty() {
        true => ("No other parameters of the address.", ""),
        false => ("These further parameters of the address: ", "."),
    };
    let tags = tags
        .into_iter()
        .enumerate()
        .map(|(n, tag)| view! { {(n > 0).then_some(", ")} <code>{tag}</code> })
        .collect_view();
    let signal = match gpc {
        Gpc::NoClickIds => {
            "If your browser sends Global Privacy Control, advertising networks' click ids are not stored; the rest is."
        }
        Gpc::NoCapture => {
            "If your browser sends Global Privacy Control, none of this is stored. A referral link that led you here is not \
             counted either."
        }
        Gpc::Ignore => "Global Privacy Control, a signal that some browsers send, changes nothing on this site.",
    };
    view! {
        <p>"Only if the link says where it comes from, or another site links here:"</p>
        <ul>
            <li>
                "The campaign parameters of the address: "
                <code>"utm_source"</code> ", " <code>"utm_medium"</code> ", " <code>"utm_campaign"</code> ", "
                <code>"utm_term"</code> ", " <code>"utm_content"</code>
                " and the less common ones; and the click ids of advertising networks, such as " <code>"gclid"</code> "."
            </li>
            <li>{tags_before}{tags}{tags_after}</li>
            <li>"The page that linked here: its host and path, without its query."</li>
            <li>"The page you came to, without its query, and the time."</li>
            <li>"A random number that stands for your browser."</li>
        </ul>
        <p>
            {signal} " Programs can read this in " <a href="/.well-known/gpc.json" rel="external">"gpc.json"</a> "."
        </p>
    }
}

#[component]
fn WithAccount() -> impl IntoView {
    view! {
        <ul>
            <li>"Your e-mail address, and a hash of your password. The password cannot be read from the hash."</li>
            <li>"When you signed up, and your conversions, such as purchases: actions that show whether a campaign worked."</li>
            <li>"Your sessions, each with its browser in a few words (such as Firefox on Linux), and when they end; and how many sign-ins with your address failed lately."</li>
            <li>
                "In which browsers you signed in, and when: a random token for each browser, without its name, so that guesses by others
                do not keep you out."
            </li>
            <li>
                "When you signed in or changed something about your account, from which network (such as 203.0.113.0/24), and what
                admins changed about it."
            </li>
            <li>
                "If you turn on a second factor: the secret of your app, digests of your recovery codes, and when you turned it on."
            </li>
            <li>
                "Mail to you: until it is sent, your address and what the mail is about. Afterwards a digest of your address for 7 days.
                Mail that could not be sent stays for 30 days."
            </li>
            <li>
                "If an admin invited you: your e-mail address, until you accept or the invitation is withdrawn, or until 30 days after it
                ended."
            </li>
            <li>"If you sign in with GitHub or Google: your number and your e-mail address there, and when you last did."</li>
            <li>"Your referral link, who signed up through it, and whose link you signed up through."</li>
            <li>"If you were asked for consent: when, the version of the text, and your answer. Of many changes, the first and the latest."</li>
        </ul>
    }
}

#[component]
fn NotStored() -> impl IntoView {
    view! {
        <ul>
            <li>
                "Your IP address. To limit guessing and floods, the server counts requests by address in memory, for a day at most.
                The address is not written to the database. The log of sign-ins and sign-ups has only the network that many
                addresses share, such as 203.0.113.0/24."
            </li>
            <li>"Your browser's version and details (the user agent). The server reads it to recognize robots, and keeps a few words of it while you are signed in."</li>
            <li>"What you do on the pages, and where you go from here."</li>
            <li>"Parameters by which a mailing service identifies a person."</li>
        </ul>
    }
}

#[component]
fn Retention(unlinked: Option<Duration>, linked: Option<Duration>, audit: Option<Duration>) -> impl IntoView {
    let kept = |kept: Option<Duration>| match kept {
        Some(kept) => format!("are removed after {}.", lasts(kept)),
        None => "are kept until they are erased.".to_owned(),
    };
    view! {
        <ul>
            <li>"Visits of people without an account " {kept(unlinked)}</li>
            <li>"Visits of people with an account " {kept(linked)}</li>
            <li>"Sign-ins and changes of accounts " {kept(audit)} " Erasing takes your address and networks out of them at once."</li>
            <li>"The account is kept until it is erased."</li>
            <li>"Failed sign-ins are removed a day after the last one, sessions when they end."</li>
            <li>"That you signed in with a browser is removed after " {lasts(known_device::KNOWN_FOR)} " without a sign-in there."</li>
            <li>"When you erase your data, the confirmation stays for 30 days. It does not say who you were."</li>
        </ul>
    }
}

/// A cookie, as the table lists it.
struct Cookie {
    name: String,
    purpose: &'static str,
    lasts: String,
}

/// Returns all cookies that the server sets. A test compares this list with the cookies of the server's responses.
fn cookies(secure: bool) -> Vec<Cookie> {
    let own = |name: &str| if secure { format!("__Host-{name}") } else { name.to_owned() };
    vec![
        Cookie {
            name: own("waymark"),
            purpose: "Recognizes your browser: it stands for the links that led you here, and keeps you signed in.",
            lasts: format!("{} at most", lasts(session_lifetime::LIFETIME)),
        },
        Cookie {
            name: known_device::cookie(secure).name().into(),
            purpose: "Set when you sign in: recognizes the browser, so that guesses by others do not keep you from signing in.",
            lasts: format!("{}, counted from the last sign-in", lasts(known_device::KNOWN_FOR)),
        },
        Cookie {
            name: own("flash"),
            purpose: "Shows the result of a form once, on the next page.",
            lasts: "1 minute".into(),
        },
        Cookie {
            name: own("waymark-waiting"),
            purpose: "Holds the link that led you here while the database is not available.",
            lasts: "7 days at most, usually until the next page".into(),
        },
        Cookie {
            name: consent::decision_cookie(secure).name().into(),
            purpose: "Remembers whether you agreed or declined.",
            lasts: lasts(consent::MAX_AGE),
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
            "Other sites and scripts cannot read these cookies. If you choose light or dark colours, your browser keeps that
            choice and does not send it."
        </p>
    }
}

#[component]
fn Rights(signed_in: bool) -> impl IntoView {
    let account = if signed_in { "/account#your-data" } else { "/login?next=/account" };
    view! {
        <ul>
            <li>
                "With an account: download everything that is stored about you as one file, or erase it, on "
                <a href=account>"your account page"</a> ". Erasing takes a few minutes, and 24 hours at most. What remains cannot identify you and only
                counts in totals."
            </li>
            <li>
                "Without an account: delete this site's cookies. Nothing then connects you with the stored visits, which are kept as
                long as stated above."
            </li>
        </ul>
    }
}

/// Returns a duration in words: `90 days`, `760 days (25 months)`.
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
