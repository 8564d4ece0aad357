use leptos::prelude::*;
use leptos_meta::Meta;

use super::home_actions::HomeActions;
use crate::components::{Marker, PublicPage, Section, Trail, TrailStep};

/// The home page as a newsletter would link to it.
const TRY_IT: &str = "/?utm_source=newsletter&utm_medium=email&utm_campaign=first-steps";

/// What Waymark is, for people who have never heard of it.
#[component]
pub fn HomePage() -> impl IntoView {
    view! {
        <PublicPage title="Know which campaign brought each customer" section=Section::Home>
            <Meta name="description" content="A Leptos starter with accounts, an admin dashboard and attribution built in."/>
            <div class="wrap home">
                <div class="hero">
                    <div class="hero-text">
                        <h1>"Know which campaign brought each customer."</h1>
                        <p class="lead">
                            "A Leptos starter with accounts, an admin dashboard and attribution built in. Every campaign click is stored,
                            counted once, and linked to the user who signs up."
                        </p>
                        <HomeActions/>
                    </div>
                    <Example/>
                </div>
                <Promises/>
                <HowItWorks/>
            </div>
        </PublicPage>
    }
}

/// An invented journey as the dashboard shows it, marked as an example.
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
                <TrailStep marker=Marker::Goal title="Signed up" subtitle="3 touches in 11 days" aside="14 March"/>
            </Trail>
        </section>
    }
    .into_any()
}

#[component]
fn Promises() -> impl IntoView {
    view! {
        <section class="promises" aria-label="What Waymark promises">
            <div>
                <h2>"Exactly once"</h2>
                <p>"Reloads, retries, parallel requests and a second server never count a click twice."</p>
            </div>
            <div>
                <h2>"Your database"</h2>
                <p>"Start with SQLite, and move to PostgreSQL when you need more than one server. No vendor sees your users."</p>
            </div>
            <div>
                <h2>"Yours to change"</h2>
                <p>"One Rust package that you can read. Build your product in it, or take only its attribution folder."</p>
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
                        "Waymark reads UTM parameters, click ids such as "<code>"gclid"</code>", the referring page and referral links
                        from the request itself. This needs no tracking script that an ad blocker could block."
                    </p>
                </li>
                <li>
                    <h3>"The touch is stored"</h3>
                    <p>
                        "Such an arrival is called a touch. It becomes one row in your database, under a random visitor id, before
                        the page is sent. Other visits leave no row and no cookie."
                    </p>
                </li>
                <li>
                    <h3>"They sign up"</h3>
                    <p>
                        "The transaction that creates the account also links the visitor to the new user. All earlier touches of
                        the visitor then belong to the user."
                    </p>
                </li>
                <li>
                    <h3>"You see what worked"</h3>
                    <p>
                        "The dashboard shows campaigns, leads and each user's journey. Filter them, and download what you see as
                        CSV."
                    </p>
                </li>
            </ol>
            <p class="try">
                "Try it: "
                // without a referrer, the click counts as an arrival from another site
                <a href=TRY_IT rel="noreferrer">"open this page as a newsletter click"</a>
                ", then create an account. Your account page shows how you came here."
            </p>
        </section>
    }
    .into_any()
}
