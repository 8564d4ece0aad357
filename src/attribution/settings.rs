//! The owner's settings of attribution: every `ATTRIBUTION_…` variable, and `REFERRAL_CREDIT`.

use std::time::Duration;

use super::{
    channel::rules::Rules,
    model::{Model, PositionWeights, UnknownModel, Weights},
    signal::custom_tags::CustomTags,
    source::{from_referrer::IgnoredReferrers, mirror::original_host},
};
use crate::{
    host::{is_under, without_port},
    variables::{Variables, days, list, parse_duration, parse_retention},
};

/// The look-back window where `ATTRIBUTION_WINDOW` is not set.
pub const DEFAULT_WINDOW: Duration = days(90);

/// How attribution works. Each field that an owner sets names its variable.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether visitors come over TLS: cookies are then `Secure` and their names begin with `__Host-`.
    pub secure: bool,
    /// `ATTRIBUTION_OWN_HOSTS`: further hosts of this site, separated by commas. The host of `SITE_URL` comes first. All hosts
    /// are in lower case, without port and without `www.`. Hosts below them are this site too.
    pub own_hosts: Vec<String>,
    /// Prefixes of paths without pages. A request below such a path is not an arrival.
    pub no_pages: &'static [&'static str],
    /// `ATTRIBUTION_CUSTOM_TAGS`: names of further query parameters to keep, separated by commas.
    pub custom_tags: CustomTags,
    pub credit: CreditSettings,
    /// `ATTRIBUTION_MODEL`: `first`, `last`, `last_non_direct` (default), `linear`, `position` or `time_decay`.
    pub model: Model,
    /// `ATTRIBUTION_RULES`: a TOML file with the owner's channel rules, which are tried before the built-in ones. Default: none.
    pub rules: Rules,
    /// `ATTRIBUTION_IGNORED_REFERRERS`: further hosts whose links alone make no touch, separated by commas.
    pub ignored_referrers: IgnoredReferrers,
    /// `ATTRIBUTION_CONSENT`: whether visitors are asked before anything is stored. `implied` (default) or `required`.
    pub consent: ConsentMode,
    /// `ATTRIBUTION_KEEP_UNLINKED`: how long touches of visitors without an account are kept. Default `90d`. `never` keeps them
    /// without limit (`None`).
    pub keep_unlinked: Option<Duration>,
    /// `ATTRIBUTION_KEEP_LINKED`: how long touches of users are kept. Default `760d`, 25 months. `never` keeps them without limit.
    pub keep_linked: Option<Duration>,
    /// `ATTRIBUTION_GPC`: what `Sec-GPC: 1` changes. `no_click_ids` (default), `no_capture` or `ignore`.
    pub gpc: Gpc,
    /// `REFERRAL_CREDIT`: which of several referral links within 30 days gets the credit. `first` (default) or `last`.
    pub referral_credit: ReferralCredit,
}

/// What credit depends on, beside the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditSettings {
    /// `ATTRIBUTION_WINDOW`: the look-back window. A touch gets credit for a conversion if it is at most this much older. Default
    /// `90d`.
    pub window: Duration,
    /// `ATTRIBUTION_WINDOWS`: other look-back windows for some kinds of conversions: `purchase:30d,demo:7d`.
    pub windows: Vec<(String, Duration)>,
    /// `ATTRIBUTION_POSITION_WEIGHTS`: the shares of the first touch, of the touches between, and of the last touch, in per cent.
    /// Default `40/20/40`. `ATTRIBUTION_HALF_LIFE`: the time after which time decay halves a touch's weight. Default `7d`.
    pub weights: Weights,
    /// `ATTRIBUTION_INTERNAL`: whether touches from links on this site's own pages get credit. `exclude` (default) or `include`.
    pub internal_touches: bool,
}

/// What attribution needs to know about the site.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The site's origin, such as `https://www.example.com`.
    pub url: &'a str,
    /// Prefixes of paths without pages, such as `/api`.
    pub no_pages: &'static [&'static str],
    /// Parameters of the site's own pages. A custom tag cannot have one of these names.
    pub reserved_parameters: &'a [&'a str],
}

/// Whether visitors agree before anything about them is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsentMode {
    /// Arrivals count until a visitor objects.
    #[default]
    Implied,
    /// The server sets no cookie and stores no row before a visitor agrees.
    Required,
}

/// What a browser's Global Privacy Control signal changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gpc {
    /// Click ids are dropped.
    #[default]
    NoClickIds,
    /// Nothing is captured.
    NoCapture,
    /// Nothing changes.
    Ignore,
}

/// Which of several referral links gets the credit for a new user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferralCredit {
    #[default]
    First,
    Last,
}

impl Settings {
    /// Reads the settings of a site. A wrong value is added to the mistakes of `variables` and replaced by the default.
    pub fn read(variables: &mut Variables<'_>, site: Site<'_>) -> Self {
        let (scheme, authority) = site.url.split_once("://").unwrap_or_default();
        let own_hosts = variables.value("ATTRIBUTION_OWN_HOSTS", |value| list(value, parse_host)).unwrap_or_default();
        Self {
            secure: scheme == "https",
            own_hosts: without_port(authority)
                .into_iter()
                .chain(own_hosts.iter().map(String::as_str))
                .map(own_host)
                .collect(),
            no_pages: site.no_pages,
            custom_tags: variables
                .value("ATTRIBUTION_CUSTOM_TAGS", |value| {
                    CustomTags::parse(value, site.reserved_parameters).map_err(|error| error.to_string())
                })
                .unwrap_or_default(),
            credit: CreditSettings::read(variables),
            model: variables
                .value("ATTRIBUTION_MODEL", |value| value.parse().map_err(|why: UnknownModel| why.to_string()))
                .unwrap_or(Model::LastNonDirect),
            rules: variables.value("ATTRIBUTION_RULES", read_rules).unwrap_or_default(),
            ignored_referrers: variables
                .value("ATTRIBUTION_IGNORED_REFERRERS", IgnoredReferrers::parse)
                .unwrap_or_default(),
            consent: variables
                .choice(
                    "ATTRIBUTION_CONSENT",
                    &[("implied", ConsentMode::Implied), ("required", ConsentMode::Required)],
                )
                .unwrap_or_default(),
            keep_unlinked: variables.value("ATTRIBUTION_KEEP_UNLINKED", parse_retention).unwrap_or(Some(days(90))),
            keep_linked: variables.value("ATTRIBUTION_KEEP_LINKED", parse_retention).unwrap_or(Some(days(760))),
            gpc: variables
                .choice(
                    "ATTRIBUTION_GPC",
                    &[("no_click_ids", Gpc::NoClickIds), ("no_capture", Gpc::NoCapture), ("ignore", Gpc::Ignore)],
                )
                .unwrap_or_default(),
            referral_credit: variables
                .choice("REFERRAL_CREDIT", &[("first", ReferralCredit::First), ("last", ReferralCredit::Last)])
                .unwrap_or_default(),
        }
    }

    /// Returns whether a host is this site, below it, or a mirror that shows it. The host is in lower case and without port.
    ///
    /// Examples: with `SITE_URL=https://shop.example`, `www.shop.example`, `blog.shop.example` and `shop-example.translate.goog`
    /// are this site.
    pub fn is_own_host(&self, host: &str) -> bool {
        let is_own = |host: &str| self.own_hosts.iter().any(|own| is_under(host, own));
        is_own(host) || original_host(host).is_some_and(|host| is_own(&host))
    }

    /// Returns the look-back window of sign-ups.
    pub fn signup_window(&self) -> Duration {
        self.credit.window_of("signup")
    }
}

impl CreditSettings {
    fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            window: variables.value("ATTRIBUTION_WINDOW", parse_duration).unwrap_or(DEFAULT_WINDOW),
            windows: variables
                .value("ATTRIBUTION_WINDOWS", |value| once_each(list(value, parse_window)?))
                .unwrap_or_default(),
            weights: read_weights(variables),
            internal_touches: variables
                .choice("ATTRIBUTION_INTERNAL", &[("exclude", false), ("include", true)])
                .unwrap_or_default(),
        }
    }

    /// Returns the look-back window of a kind of conversions.
    pub fn window_of(&self, kind: &str) -> Duration {
        self.windows.iter().find(|(name, _)| name == kind).map_or(self.window, |(_, window)| *window)
    }
}

fn read_weights(variables: &mut Variables<'_>) -> Weights {
    Weights {
        position: variables
            .value("ATTRIBUTION_POSITION_WEIGHTS", |value| {
                value.parse::<PositionWeights>().map_err(|why| why.to_string())
            })
            .unwrap_or_default(),
        half_life: variables.value("ATTRIBUTION_HALF_LIFE", parse_duration).unwrap_or(Weights::default().half_life),
    }
}

/// Returns a host in lower case and without `www.`: `www.Shop.example` → `shop.example`. `www.com` stays, because otherwise all hosts
/// under `com` would be this site.
fn own_host(host: &str) -> String {
    let host = host.to_lowercase();
    host.strip_prefix("www.").filter(|rest| rest.contains('.')).map(str::to_owned).unwrap_or(host)
}

fn parse_host(value: &str) -> Result<String, String> {
    let fine = value.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':'));
    match fine && without_port(value) == Some(value) {
        true => Ok(value.to_lowercase()),
        false => Err(format!("has {value:?}, which is no host name like www.example.com (no scheme, port or path)")),
    }
}

/// Reads the rules in a file.
///
/// Errors: one text with everything that is wrong, for the variable that names the file.
fn read_rules(path: &str) -> Result<Rules, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("names {path:?}, which cannot be read: {error}"))?;
    Rules::parse(&text).map_err(|mistakes| format!("names {path:?}, where {}", mistakes.join("; ")))
}

/// Returns the windows unchanged. Errors: two windows have the same kind.
fn once_each(windows: Vec<(String, Duration)>) -> Result<Vec<(String, Duration)>, String> {
    let twice =
        windows.iter().enumerate().find(|(place, (kind, _))| windows[..*place].iter().any(|(name, _)| name == kind));
    match twice {
        Some((_, (kind, _))) => Err(format!("has two windows for {kind:?}")),
        None => Ok(windows),
    }
}

/// Reads a kind of conversions and its look-back window: `purchase:30d` → `purchase`, 30 days.
fn parse_window(value: &str) -> Result<(String, Duration), String> {
    let (kind, window) =
        value.split_once(':').ok_or_else(|| format!("has {value:?}, which is no kind and window like purchase:30d"))?;
    let window = parse_duration(window.trim()).map_err(|why| format!("has {value:?}, whose window {why}"))?;
    Ok((kind.trim().to_lowercase(), window))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::DAY;

    fn read(site_url: &str, pairs: &[(&str, &str)]) -> (Settings, usize) {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let mut variables = Variables::new(&get);
        let settings = Settings::read(&mut variables, Site { url: site_url, no_pages: &[], reserved_parameters: &[] });
        (settings, variables.mistakes.len())
    }

    #[test]
    fn kinds_have_windows_of_their_own() {
        let (settings, mistakes) = read(
            "http://127.0.0.1:3000",
            &[
                ("ATTRIBUTION_WINDOW", "60d"),
                ("ATTRIBUTION_WINDOWS", "Purchase: 30d, demo:12h"),
                ("ATTRIBUTION_KEEP_UNLINKED", "never"),
            ],
        );
        assert_eq!(mistakes, 0);
        let windows = ["signup", "purchase", "demo", "other"].map(|kind| settings.credit.window_of(kind));
        assert_eq!(windows, [60 * DAY, 30 * DAY, DAY / 2, 60 * DAY]);
        assert_eq!((settings.keep_unlinked, settings.keep_linked), (None, Some(days(760))));
        for wrong in [
            ("ATTRIBUTION_WINDOWS", "purchase"),
            ("ATTRIBUTION_WINDOWS", "purchase:30d,Purchase:7d"),
            ("ATTRIBUTION_KEEP_LINKED", "0d"),
        ] {
            assert_eq!(read("http://127.0.0.1:3000", &[wrong]).1, 1, "{wrong:?}");
        }
    }

    #[test]
    fn a_secure_site_knows_its_hosts() {
        let (settings, mistakes) =
            read("https://www.Shop.example:8443", &[("ATTRIBUTION_OWN_HOSTS", "shop.test, www.com")]);
        assert_eq!((mistakes, settings.secure), (0, true));
        for own in [
            "shop.example",
            "www.shop.example",
            "blog.shop.example",
            "a.b.shop.example",
            "m.shop.test",
            "www.com",
            "shop-test.translate.goog",
        ] {
            assert!(settings.is_own_host(own), "{own}");
        }
        for other in ["myshop.example", "shop.example.evil", "example", "other.com", "com", ""] {
            assert!(!settings.is_own_host(other), "{other}");
        }
        let (settings, _) = read("http://127.0.0.1:3000", &[]);
        assert!(!settings.secure && settings.is_own_host("127.0.0.1") && !settings.is_own_host("example.com"));
    }
}
