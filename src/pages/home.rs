use leptos::prelude::*;
use leptos_meta::Meta;

use crate::{
    auth::current_user,
    components::{Marker, PublicPage, Section, Trail, TrailStep},
};

/// A link that shows what the site does: this page, as if a newsletter had led here.
const TRY_IT: &str = "/?utm_source=newsletter&utm_medium=email&utm_campaign=first-steps";

/// What this is, for who has never heard of it.
#[component]
pub fn HomePage() -> impl IntoView {
    let actions = match current_user() {
        None => view! {
            <a class="button primary large" href="/register">"Create account"</a>
            <a class="button large" href="#how">"How it works"</a>
        }
        .into_any(),
        Some(user) if user.is_admin() => view! {
            <a class="button primary large" href="/admin">"Open the dashboard"</a>
            <a class="button large" href="/account">"Your account"</a>
        }
        .into_any(),
        Some(_) => view! { <a class="button primary large" href="/account">"Your account"</a> }.into_any(),
    };
    view! {
        <PublicPage title="Know which campaign brought each customer" section=Section::Home>
            <Meta name="description" content="A Leptos starter with accounts, an admin dashboard, and attribution built in."/>
            <div class="wrap home">
                <div class="hero">
                    <div class="hero-text">
                        <h1>"Know which campaign brought each customer."</h1>
                        <p class="lead">
                            "A Leptos starter with accounts, an admin dashboard, and attribution built in. Every campaign click is kept,
                            counted once, and tied to the user who signs up."
                        </p>
                        <p class="row">{actions}</p>
                    </div>
                    <Example/>
                </div>
                <Promises/>
                <HowItWorks/>
            </div>
        </PublicPage>
    }
}

/// A journey as the dashboard shows it. Nobody's: it says so.
#[component]
fn Example() -> impl IntoView {
    view! {
        <section class="card example" aria-labelledby="example">
            <div class="card-head">
                <h2 id="example">"Journey of maria@example.com"</h2>
                <span class="tag">"Example"</span>
            </div>
            <Trail label="Example of a journey">
                <TrailStep title="Paid Search" subtitle="google / cpc · spring-launch"
                    meta="/pricing · gclid Cj0KCQjw…" aside="3 March"/>
                <TrailStep marker=Marker::Hollow title="Email" subtitle="newsletter / email · issue-46"
                    meta="/blog/launch" aside="9 March"/>
                <TrailStep title="Referral program" subtitle="internal / referral · k7qm2xw9hd4r" aside="14 March"/>
                <TrailStep marker=Marker::Goal title="Signed up" subtitle="three touches, eleven days" aside="14 March"/>
            </Trail>
        </section>
    }
    .into_any()
}

#[component]
fn Promises() -> impl IntoView {
    view! {
        <section class="promises" aria-label="What it promises">
            <div>
                <h2>"Exactly once"</h2>
                <p>"Reloads, races, retries and two replicas change nothing. What was acknowledged is on disk."</p>
            </div>
            <div>
                <h2>"Your database"</h2>
                <p>"SQLite to begin with, PostgreSQL when one machine is not enough. No vendor sees your users."</p>
            </div>
            <div>
                <h2>"Yours to change"</h2>
                <p>"One readable package. Take the attribution folder alone, or build your product around it."</p>
            </div>
        </section>
    }
}

#[component]
fn HowItWorks() -> impl IntoView {
    view! {
        <section class="how" id="how" aria-labelledby="how-title">
            <h2 id="how-title">"How it works"</h2>
            <ol>
                <li>
                    <h3>"Someone follows a link"</h3>
                    <p>
                        "UTM parameters, click ids such as "<code>"gclid"</code>", the referring page and referral links are read as the
                        request arrives. No script, no pixel, nothing for an ad blocker to stop."
                    </p>
                </li>
                <li>
                    <h3>"The touch is kept"</h3>
                    <p>
                        "It is one row in your database before the page is answered, under a random visitor id. A visit that
                        carries no signal leaves no row and no cookie."
                    </p>
                </li>
                <li>
                    <h3>"They sign up"</h3>
                    <p>
                        "The visitor is linked to the new user in the transaction that creates the account. All that came before is
                        theirs, too."
                    </p>
                </li>
                <li>
                    <h3>"You look"</h3>
                    <p>
                        "The dashboard shows campaigns, leads and each user's journey, with filters, and CSV of whatever is on the
                        screen."
                    </p>
                </li>
            </ol>
            <p class="try">
                "See it for yourself: "
                // Without a referrer, so that it counts as an arrival from outside.
                <a href=TRY_IT rel="noreferrer">"open this page as a newsletter click"</a>
                ", then create an account. Your account page will know."
            </p>
        </section>
    }
    .into_any()
}
