use leptos::prelude::*;
use leptos_meta::Meta;

use super::home_actions::HomeActions;
use crate::{
    components::{PublicPage, Section},
    site::NAME,
};

/// What the site is, for people who have never heard of it.
#[component]
pub fn HomePage() -> impl IntoView {
    view! {
        <PublicPage title="" section=Section::Home>
            <Meta name="description" content=NAME/>
            <div class="wrap home">
                <div class="hero-text">
                    <h1>{NAME}</h1>
                    <p class="lead">"One sentence: what it does, and for whom. This page is src/pages/home.rs."</p>
                    <HomeActions/>
                </div>
                // the header links here
                <section class="how" id="how" aria-labelledby="how-title">
                    <h2 id="how-title">"How it works"</h2>
                    <ol>
                        <li><h3>"First step"</h3><p>"What people do first."</p></li>
                        <li><h3>"Second step"</h3><p>"What they get for it."</p></li>
                    </ol>
                </section>
            </div>
        </PublicPage>
    }
}
