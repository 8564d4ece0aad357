//! The campaigns are data: where their links stand, when they run, and how well they do. A link's fields become a query
//! string, which the parser of real landings reads.

/// Month and day, counted from 1.
pub type MonthDay = (i8, i8);

/// On which days a campaign brings visitors.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Always,
    /// On all days, with more visitors from day to day.
    Growing,
    /// On the first Tuesday of a month, and less on each of the nine days after it.
    Monthly,
    /// On the days of the year within a pair, both ends included. Most visitors come on the first two days.
    Season(&'static [(MonthDay, MonthDay)]),
    /// From 20 November to 2 December, most on the Friday and the Monday.
    BlackFriday,
    /// Once, on the day at this fraction (0 to 1) of the time that the data covers. The strength falls on each of the 21 days
    /// after this day.
    Launch(f64),
}

/// A campaign, or a source whose links name no campaign.
#[derive(Clone, Copy, Debug)]
pub struct SampleCampaign {
    /// `utm_campaign`. `{n}` stands for the number of a newsletter's issue.
    pub name: Option<&'static str>,
    pub when: When,
    /// Visitors on a day on which the campaign runs, in proportion to the other campaigns.
    pub weight: f64,
    /// How many of the visitors sign up, in proportion to the other campaigns.
    pub rate: f64,
    /// How often the campaign brings earlier visitors back, in proportion to the other campaigns.
    pub again: f64,
    pub links: &'static [SampleLink],
    pub terms: &'static [&'static str],
    pub contents: &'static [&'static str],
    pub landings: &'static [&'static str],
}

/// A link of a campaign.
#[derive(Clone, Copy, Debug)]
pub struct SampleLink {
    pub source: &'static str,
    pub medium: Option<&'static str>,
    /// The parameter that the platform appends.
    pub click_id: Option<&'static str>,
    /// How often (0 to 1) the link has the click id only, as with Google's auto-tagging.
    pub bare: f64,
    /// A custom tag and its value.
    pub tag: Option<(&'static str, &'static str)>,
    /// Pages from which the visitor may come; `""` is no page.
    pub referrers: &'static [&'static str],
    /// Whether the link stands on a page of this site.
    pub internal: bool,
}

impl SampleLink {
    const fn new(source: &'static str, medium: &'static str) -> Self {
        Self::by(source, Some(medium))
    }

    const fn by(source: &'static str, medium: Option<&'static str>) -> Self {
        Self { source, medium, click_id: None, bare: 0.0, tag: None, referrers: &[""], internal: false }
    }

    const fn click_id(self, name: &'static str, bare: f64) -> Self {
        Self { click_id: Some(name), bare, ..self }
    }

    const fn tag(self, name: &'static str, value: &'static str) -> Self {
        Self { tag: Some((name, value)), ..self }
    }

    const fn from(self, referrers: &'static [&'static str]) -> Self {
        Self { referrers, ..self }
    }

    const fn internal(self) -> Self {
        Self { internal: true, ..self }
    }
}

/// The names of the links' custom tags.
pub const TAGS: &str = "partner,coupon";

/// The campaign of an arrival that would come through a referral link before there is one.
pub const FALLBACK: usize = 0;
/// The referral program. Its links belong to members.
pub const REFERRAL: usize = 1;

const GOOGLE: SampleLink = SampleLink::new("google", "cpc").click_id("gclid", 0.22).from(&[
    "www.google.com/",
    "www.google.com/",
    "www.google.de/",
    "",
]);
const BING: SampleLink = SampleLink::new("bing", "cpc").click_id("msclkid", 0.1).from(&["www.bing.com/", ""]);
const FACEBOOK: SampleLink = SampleLink::new("facebook", "paid_social").click_id("fbclid", 0.06).from(&[
    "l.facebook.com/",
    "m.facebook.com/",
    "",
]);
const INSTAGRAM: SampleLink =
    SampleLink::new("instagram", "paid_social").click_id("fbclid", 0.06).from(&["l.instagram.com/", ""]);
const NEWSLETTER: SampleLink =
    SampleLink::new("newsletter", "email").from(&["", "", "mail.google.com/", "outlook.live.com/mail/"]);

/// The defaults of a campaign.
const PLAIN: SampleCampaign = SampleCampaign {
    name: None,
    when: When::Always,
    weight: 1.0,
    rate: 1.0,
    again: 0.05,
    links: &[],
    terms: &[],
    contents: &[],
    landings: &["/"],
};

pub static CAMPAIGNS: [SampleCampaign; 16] = [
    SampleCampaign {
        name: Some("brand-search"),
        weight: 2.8,
        rate: 1.4,
        again: 0.7,
        links: &[GOOGLE, GOOGLE, GOOGLE, BING],
        terms: &["waymark", "waymark", "waymark pricing", "waymark attribution", "waymark docs"],
        contents: &["headline-a", "headline-b", "sitelink-pricing"],
        landings: &["/", "/", "/pricing"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("referral"),
        when: When::Growing,
        weight: 0.55,
        rate: 1.7,
        again: 0.12,
        links: &[SampleLink::new("internal", "referral")],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("attribution-software"),
        weight: 3.2,
        rate: 0.7,
        again: 0.12,
        links: &[GOOGLE, GOOGLE, GOOGLE, GOOGLE, BING],
        terms: &[
            "utm tracking",
            "attribution software",
            "marketing attribution",
            "lead source tracking",
            "self hosted analytics",
        ],
        contents: &["headline-a", "headline-b", "headline-c"],
        landings: &["/", "/compare", "/blog/attribution"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("newsletter-{n}"),
        when: When::Monthly,
        weight: 14.0,
        rate: 1.2,
        again: 4.5,
        links: &[NEWSLETTER.click_id("mc_cid", 0.0)],
        contents: &["lead-story", "lead-story", "changelog", "footer"],
        landings: &["/blog/attribution", "/changelog", "/docs/start", "/"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("retargeting"),
        weight: 0.8,
        rate: 1.0,
        again: 0.45,
        links: &[FACEBOOK, FACEBOOK, INSTAGRAM],
        terms: &["visited-pricing", "visited-docs", "all-visitors"],
        contents: &["carousel-a", "video-b", "quote-c"],
        landings: &["/pricing", "/", "/compare"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("spring-launch"),
        when: When::Season(&[((3, 17), (4, 14))]),
        weight: 7.0,
        rate: 1.1,
        again: 0.3,
        links: &[
            NEWSLETTER,
            SampleLink::new("linkedin", "social").from(&["www.linkedin.com/feed/", "lnkd.in/", ""]),
            SampleLink::new("twitter", "social").from(&["t.co/", ""]),
            SampleLink::new("linkedin", "paid_social")
                .click_id("li_fat_id", 0.05)
                .from(&["www.linkedin.com/feed/", ""]),
            SampleLink::new("website", "banner").from(&["www.example.com/blog/attribution"]).internal(),
        ],
        contents: &["announcement", "teaser", "customer-story"],
        landings: &["/", "/changelog", "/pricing"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("black-friday"),
        when: When::BlackFriday,
        weight: 8.0,
        rate: 1.3,
        again: 0.5,
        links: &[
            NEWSLETTER.tag("coupon", "BF30"),
            GOOGLE,
            FACEBOOK.tag("coupon", "BF30"),
            INSTAGRAM,
            SampleLink::new("website", "banner").from(&["www.example.com/changelog"]).internal(),
        ],
        contents: &["30-percent", "last-chance", "countdown"],
        landings: &["/pricing", "/pricing", "/"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("webinar-attribution-101"),
        when: When::Season(&[((2, 3), (2, 20)), ((9, 15), (10, 3))]),
        weight: 4.0,
        rate: 0.9,
        again: 0.3,
        links: &[
            SampleLink::new("linkedin", "paid_social")
                .click_id("li_fat_id", 0.08)
                .from(&["www.linkedin.com/feed/", ""]),
            SampleLink::new("linkedin", "paid_social")
                .click_id("li_fat_id", 0.08)
                .from(&["www.linkedin.com/feed/", ""]),
            NEWSLETTER,
        ],
        terms: &["head-of-growth", "founders", "developers"],
        contents: &["invitation", "reminder", "replay"],
        landings: &["/blog/attribution", "/"],
    },
    SampleCampaign {
        name: Some("partner-program"),
        weight: 0.8,
        rate: 1.2,
        again: 0.1,
        links: &[
            SampleLink::new("saas-almanac", "affiliate")
                .tag("partner", "ALM-204")
                .from(&["almanac.example/best-attribution-tools", ""]),
            SampleLink::new("impact", "affiliate")
                .click_id("irclickid", 0.3)
                .tag("partner", "growth-collective")
                .from(&["collective.example/stack", ""]),
        ],
        contents: &["review", "comparison", "sidebar"],
        landings: &["/", "/compare", "/pricing"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("podcast-ads"),
        when: When::Season(&[((5, 5), (6, 30)), ((10, 1), (11, 10))]),
        weight: 1.2,
        rate: 0.9,
        links: &[SampleLink::new("shipping-late", "audio"), SampleLink::new("kernel-panic-hour", "audio")],
        contents: &["episode-41", "episode-44", "episode-47"],
        landings: &["/", "/pricing"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("community"),
        weight: 0.9,
        rate: 0.55,
        links: &[SampleLink::new("reddit", "social").from(&[
            "www.reddit.com/r/rust/",
            "www.reddit.com/r/selfhosted/",
            "old.reddit.com/",
            "",
        ])],
        contents: &["r-rust", "r-selfhosted", "r-saas"],
        landings: &["/blog/attribution", "/docs/start", "/"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("product-hunt-launch"),
        when: When::Launch(0.62),
        weight: 64.0,
        rate: 0.6,
        links: &[SampleLink::new("producthunt", "referral").from(&[
            "www.producthunt.com/",
            "www.producthunt.com/posts/waymark",
            "",
        ])],
        contents: &["gallery", "maker-comment"],
        landings: &["/", "/", "/docs/start"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("tutorial-series"),
        when: When::Growing,
        weight: 0.9,
        rate: 0.9,
        again: 0.1,
        links: &[SampleLink::new("youtube", "video").from(&["www.youtube.com/watch", "m.youtube.com/", ""])],
        contents: &["part-1-setup", "part-2-campaigns", "part-3-referrals"],
        landings: &["/docs/start", "/docs/start", "/"],
        ..PLAIN
    },
    SampleCampaign {
        when: When::Growing,
        weight: 0.9,
        rate: 1.2,
        again: 0.1,
        // AI assistants append a source to the addresses that they cite, and nothing else.
        links: &[
            SampleLink::by("chatgpt.com", None).from(&["chatgpt.com/", ""]),
            SampleLink::by("chatgpt.com", None).from(&["chatgpt.com/", ""]),
            SampleLink::by("copilot.com", None).from(&["copilot.microsoft.com/", ""]),
        ],
        landings: &["/docs/start", "/compare", "/blog/attribution", "/"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("readme"),
        weight: 0.8,
        links: &[SampleLink::new("github", "referral").from(&["github.com/waymark-rs/waymark", ""])],
        contents: &["badge", "getting-started"],
        landings: &["/docs/start", "/"],
        ..PLAIN
    },
    SampleCampaign {
        name: Some("always-on-social"),
        weight: 0.8,
        rate: 0.7,
        again: 0.15,
        links: &[
            SampleLink::new("linkedin", "social").from(&["www.linkedin.com/feed/", "lnkd.in/", ""]),
            SampleLink::new("bluesky", "social").from(&["bsky.app/", "go.bsky.app/", ""]),
        ],
        contents: &["tip", "chart", "thread"],
        landings: &["/blog/attribution", "/changelog"],
        ..PLAIN
    },
];
