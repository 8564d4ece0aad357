//! How the admin pages name the values of reports. Addresses, files and the database keep the stored words.

use jiff::civil::Date;

use crate::attribution::{
    capture::{bots::BotKind, exclusion::Exclusion, left_out::LeftOut},
    conversion::SIGN_UP,
    model::Model,
    report::{FilterField, Preset, credit::compare::GroupBy, quality::similar_names::Likeness, trend::Metric},
    source::from_referrer::ReferrerExclusion,
};

/// Writes a day: `24 Oct 2026`.
pub fn long_day(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

/// Writes a day without its year: `24 Oct`.
pub fn short_day(day: Date) -> String {
    day.strftime("%-d %b").to_string()
}

pub fn preset(preset: Preset) -> &'static str {
    match preset {
        Preset::Days7 => "7 days",
        Preset::Days30 => "30 days",
        Preset::Days90 => "90 days",
        Preset::Months12 => "12 months",
        Preset::All => "All time",
    }
}

pub fn field(field: FilterField) -> &'static str {
    match field {
        FilterField::Source => "Source",
        FilterField::Medium => "Medium",
        FilterField::Campaign => "Campaign",
        FilterField::Term => "Term",
        FilterField::Content => "Content",
        FilterField::Channel => "Channel",
    }
}

pub fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Touches => "Touches",
        Metric::Visitors => "Visitors",
        Metric::Leads => "Leads",
        Metric::Signups => "Sign-ups",
    }
}

pub fn model(model: Model) -> &'static str {
    match model {
        Model::First => "First touch",
        Model::Last => "Last touch",
        Model::LastNonDirect => "Last non-direct touch",
        Model::Linear => "Linear",
        Model::Position => "Position-based",
        Model::TimeDecay => "Time decay",
    }
}

/// Returns what one row of the models page is: `Channel`.
pub fn group(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Channel => "Channel",
        GroupBy::Source => "Source",
        GroupBy::Campaign => "Campaign",
    }
}

/// Returns the name of a kind of conversion: `signup` → `Sign-up`. Other kinds stay as their program reported them.
pub fn conversion_kind(kind: &str) -> &str {
    if kind == SIGN_UP { "Sign-up" } else { kind }
}

/// Returns what distinguishes two similar names.
pub fn likeness(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Separators => "Separators",
        Likeness::Plural => "Plural",
        Likeness::Letter => "One letter",
    }
}

/// Returns which part of a link was left out, in a few words.
pub fn left_out(part: LeftOut<'_>) -> String {
    match part {
        LeftOut::ClickId => "A click id".to_owned(),
        LeftOut::Query => "The end of the query".to_owned(),
        LeftOut::Placeholder(name) => format!("A placeholder in {name}"),
    }
}

/// Returns why a part of a link was left out, in a sentence.
pub fn left_out_explained(part: LeftOut<'_>) -> &'static str {
    match part {
        LeftOut::ClickId => "The id was too long or not text.",
        LeftOut::Query => "The query had more than 8 KiB or 100 parameters.",
        LeftOut::Placeholder(_) => {
            "The ad platform or mailer did not put a value in, for example {{campaign.name}} or (not set). Check the link's \
             template."
        }
    }
}

/// Returns why an arrival did not count, in a few words.
pub fn exclusion(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::Method => "Not a GET request",
        Exclusion::Path => "Not a page",
        Exclusion::Prefetch => "Prefetched",
        Exclusion::SignedAgent => "AI agents that browse for a person",
        Exclusion::NotDocument => "Not a page load",
        Exclusion::Referrer(ReferrerExclusion::Payment) => "Return from a payment page",
        Exclusion::Referrer(ReferrerExclusion::Identity) => "Return from a sign-in page",
        Exclusion::Referrer(ReferrerExclusion::Spam) => "Referrer spam",
        Exclusion::Referrer(ReferrerExclusion::Configured) => "Ignored referrer",
        Exclusion::Placeholders => "Nothing but placeholders",
        Exclusion::Gpc => "Global Privacy Control",
        Exclusion::Undecided => "Waiting for consent",
        Exclusion::Refused => "Consent declined",
        Exclusion::Flood => "Too many new visitors from one address",
        Exclusion::Bot(BotKind::Crawler) => "Search crawlers",
        Exclusion::Bot(BotKind::Ai) => "AI crawlers and assistants",
        Exclusion::Bot(BotKind::Preview) => "Link previews",
        Exclusion::Bot(BotKind::Monitor) => "Uptime monitors",
        Exclusion::Bot(BotKind::Headless) => "Headless browsers",
        Exclusion::Bot(BotKind::Library) => "HTTP libraries",
        Exclusion::Bot(BotKind::Feed | BotKind::Seo | BotKind::Scanner | BotKind::Other) => "Other bots",
    }
}

/// Returns why an arrival did not count, in a sentence.
pub fn exclusion_explained(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::Method => "The link was requested with HEAD, POST or another method, not opened in a browser.",
        Exclusion::Path => "The link led to a file, an API or a health check.",
        Exclusion::Prefetch => {
            "The browser loaded the page before a click or for a thumbnail. If a person opens the page, the arrival counts then."
        }
        Exclusion::SignedAgent => {
            "Assistants, such as ChatGPT's agent, that use a browser's name and sign their requests as machines."
        }
        Exclusion::NotDocument => "A script, a frame or an image loaded the page, not a click.",
        Exclusion::Referrer(ReferrerExclusion::Payment) => {
            "The visitor came back from a payment provider, through a link without campaign parameters."
        }
        Exclusion::Referrer(ReferrerExclusion::Identity) => {
            "The visitor came back from signing in on another site, through a link without campaign parameters."
        }
        Exclusion::Referrer(ReferrerExclusion::Spam) => {
            "The referrer is a site that sends requests only to appear in reports. No visitor came from there."
        }
        Exclusion::Referrer(ReferrerExclusion::Configured) => {
            "ATTRIBUTION_IGNORED_REFERRERS lists the page that linked here."
        }
        Exclusion::Placeholders => {
            "The ad platform or mailer put no values into the link, for example utm_campaign={{campaign.name}}."
        }
        Exclusion::Gpc => "The browser sent Sec-GPC, and ATTRIBUTION_GPC is no_capture.",
        Exclusion::Undecided => {
            "Consent is required. The arrival waits in the page and counts when the visitor agrees."
        }
        Exclusion::Refused => "The visitor declined to be remembered.",
        Exclusion::Flood => {
            "One address brought over a thousand new visitors within ten minutes. If it is your proxy, add it to \
             TRUSTED_PROXIES."
        }
        Exclusion::Bot(BotKind::Crawler) => "Search engines that read the page for their index, such as Googlebot.",
        Exclusion::Bot(BotKind::Ai) => {
            "Crawlers that collect text for language models, and assistants that read for their users."
        }
        Exclusion::Bot(BotKind::Preview) => {
            "Apps that draw the preview of a shared link. A person who clicks it counts."
        }
        Exclusion::Bot(BotKind::Monitor) => "Services that check whether the site responds, and how fast.",
        Exclusion::Bot(BotKind::Headless) => "Browsers without a screen, driven by a program.",
        Exclusion::Bot(BotKind::Library) => "Programs that fetch pages with a library or tool such as curl.",
        Exclusion::Bot(BotKind::Feed | BotKind::Seo | BotKind::Scanner | BotKind::Other) => {
            "Feed readers, site audits, security scanners and all other declared bots."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_up_has_a_word() {
        assert_eq!(conversion_kind("signup"), "Sign-up");
        assert_eq!(conversion_kind("purchase"), "purchase");
    }
}
