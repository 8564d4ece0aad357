//! Configuration: environment variables, read once at the start.
//!
//! A mistake stops the start, and all mistakes are told at once, by the name of the variable and never by a value that may be
//! secret.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;

use crate::{
    attribution::{
        channel::rules::Rules,
        model::{Model, PositionWeights, UnknownModel, Weights},
        signal::custom_tags::CustomTags,
        source::from_referrer::IgnoredReferrers,
    },
    db::Dialect,
};

/// How the application runs. Each field says which variable it is read from.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`: `sqlite://data/waymark.db` (default) or `postgres://user:password@host/database`.
    pub database_url: String,
    /// `LEPTOS_SITE_ADDR`: where the server listens. Default `127.0.0.1:3000`.
    pub site_addr: SocketAddr,
    /// `SITE_URL`: how visitors reach the site. Default `http://` and the address above. With `https://` cookies are
    /// `Secure` with the `__Host-` prefix and HSTS is sent.
    pub site_url: String,
    /// `LEPTOS_ENV`: `DEV` (as `cargo leptos watch` sets it) or `PROD`. Default: by how the binary was built.
    pub development: bool,
    /// `ATTRIBUTION_CUSTOM_TAGS`: names of further query parameters to keep, separated by commas.
    pub custom_tags: CustomTags,
    /// `ATTRIBUTION_WINDOW`: how long before a sign-up a touch counts for it. Default `90d`.
    pub window: Duration,
    /// `ATTRIBUTION_WINDOWS`: the same for single kinds of conversions, where it differs: `purchase:30d,demo:7d`.
    pub windows: Vec<(String, Duration)>,
    /// `ATTRIBUTION_MODEL`, `ATTRIBUTION_POSITION_WEIGHTS`, `ATTRIBUTION_HALF_LIFE`: how credit is shared.
    pub models: ModelSettings,
    /// `ATTRIBUTION_RULES`: a TOML file with channel rules that go before the built-in ones. Default: none.
    pub rules: Rules,
    /// `ATTRIBUTION_IGNORED_REFERRERS`: further hosts whose links are never a touch by themselves, separated by commas.
    pub ignored_referrers: IgnoredReferrers,
    /// `ATTRIBUTION_INTERNAL`: whether touches from links on pages of our own are credited. `exclude` (default) or `include`.
    pub internal_touches: bool,
    /// `ATTRIBUTION_CONSENT`: whether visitors are asked first. `implied` (default) or `required`.
    pub consent: ConsentMode,
    /// `ATTRIBUTION_KEEP_UNLINKED`: how long touches of visitors who are nobody's are kept. Default `90d`; `never` removes none.
    pub keep_unlinked: Option<Duration>,
    /// `ATTRIBUTION_KEEP_LINKED`: how long touches of users are kept. Default `760d`, 25 months; `never` removes none.
    pub keep_linked: Option<Duration>,
    /// `ATTRIBUTION_GPC`: what `Sec-GPC: 1` changes. `no_click_ids` (default), `no_capture` or `ignore`.
    pub gpc: Gpc,
    /// `ATTRIBUTION_OWN_HOSTS`: further hosts of this site, separated by commas. The host of `SITE_URL` is one of them.
    pub own_hosts: Vec<String>,
    /// `REFERRAL_CREDIT`: of several referral links within 30 days, the `first` (default) or the `last` one wins.
    pub referral_credit: ReferralCredit,
    /// `TRUSTED_PROXIES`: networks whose `X-Forwarded-For` is believed, separated by commas. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// `METRICS_ADDR`: where Prometheus metrics are served. Default: nowhere.
    pub metrics_addr: Option<SocketAddr>,
    /// `LOG_FORMAT`: `json` or `pretty`. Default: pretty in development.
    pub log_json: bool,
}

/// How a conversion's credit is shared where nobody asks for another way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelSettings {
    /// `ATTRIBUTION_MODEL`: `first`, `last`, `last_non_direct` (default), `linear`, `position` or `time_decay`.
    pub default: Model,
    /// `ATTRIBUTION_POSITION_WEIGHTS`: the first touch, those between, the last, in hundredths. Default `40/20/40`.
    /// `ATTRIBUTION_HALF_LIFE`: after how long a touch weighs half in time decay. Default `7d`.
    pub weights: Weights,
}

/// Whether visitors agree before anything about them is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsentMode {
    /// Arrivals count until a visitor objects.
    #[default]
    Implied,
    /// No cookie and no row before a visitor agrees.
    Required,
}

/// What a browser's Global Privacy Control signal changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gpc {
    #[default]
    NoClickIds,
    NoCapture,
    Ignore,
}

/// Which of several referral links brought a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferralCredit {
    #[default]
    First,
    Last,
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub variable: &'static str,
    pub what: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.variable, self.what)
    }
}

impl Config {
    /// Reads the configuration through `get`, which answers the value of a variable.
    ///
    /// Always answers a configuration, with defaults where a value was wrong, so that what can be tried (the port, the
    /// database) is tried too and reported together with the mistakes.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> (Self, Vec<Mistake>) {
        let mut read = Reader { get, mistakes: Vec::new() };
        let site_addr = read.value("LEPTOS_SITE_ADDR", parse_addr).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000)));
        let development = read
            .value("LEPTOS_ENV", |value| match value.to_ascii_lowercase().as_str() {
                "dev" | "development" => Ok(true),
                "prod" | "production" => Ok(false),
                _ => Err("must be DEV or PROD".into()),
            })
            .unwrap_or(cfg!(debug_assertions));
        let config = Self {
            database_url: read
                .value("DATABASE_URL", |url| Dialect::of(url).map(|_| url.to_owned()))
                .unwrap_or_else(|| "sqlite://data/waymark.db".into()),
            site_url: read.value("SITE_URL", parse_site_url).unwrap_or_else(|| default_site_url(site_addr)),
            site_addr,
            development,
            custom_tags: read
                .value("ATTRIBUTION_CUSTOM_TAGS", |value| CustomTags::parse(value).map_err(|error| error.to_string()))
                .unwrap_or_default(),
            window: read.value("ATTRIBUTION_WINDOW", parse_duration).unwrap_or(days(90)),
            windows: read
                .value("ATTRIBUTION_WINDOWS", |value| once_each(list(value, parse_window)?))
                .unwrap_or_default(),
            models: ModelSettings {
                default: read
                    .value("ATTRIBUTION_MODEL", |value| value.parse().map_err(|why: UnknownModel| why.to_string()))
                    .unwrap_or(Model::LastNonDirect),
                weights: Weights {
                    position: read
                        .value("ATTRIBUTION_POSITION_WEIGHTS", |value| {
                            value.parse::<PositionWeights>().map_err(|why| why.to_string())
                        })
                        .unwrap_or_default(),
                    half_life: read
                        .value("ATTRIBUTION_HALF_LIFE", parse_duration)
                        .map_or(Weights::default().half_life, |half_life| half_life.as_millis() as i64),
                },
            },
            rules: read.value("ATTRIBUTION_RULES", read_rules).unwrap_or_default(),
            ignored_referrers: read.value("ATTRIBUTION_IGNORED_REFERRERS", IgnoredReferrers::parse).unwrap_or_default(),
            internal_touches: read
                .value("ATTRIBUTION_INTERNAL", |value| match value {
                    "exclude" => Ok(false),
                    "include" => Ok(true),
                    _ => Err("must be exclude or include".into()),
                })
                .unwrap_or_default(),
            consent: read
                .value("ATTRIBUTION_CONSENT", |value| match value {
                    "implied" => Ok(ConsentMode::Implied),
                    "required" => Ok(ConsentMode::Required),
                    _ => Err("must be implied or required".into()),
                })
                .unwrap_or_default(),
            keep_unlinked: read.value("ATTRIBUTION_KEEP_UNLINKED", parse_retention).unwrap_or(Some(days(90))),
            keep_linked: read.value("ATTRIBUTION_KEEP_LINKED", parse_retention).unwrap_or(Some(days(760))),
            gpc: read
                .value("ATTRIBUTION_GPC", |value| match value {
                    "no_click_ids" => Ok(Gpc::NoClickIds),
                    "no_capture" => Ok(Gpc::NoCapture),
                    "ignore" => Ok(Gpc::Ignore),
                    _ => Err("must be no_click_ids, no_capture or ignore".into()),
                })
                .unwrap_or_default(),
            own_hosts: read.value("ATTRIBUTION_OWN_HOSTS", |value| list(value, parse_host)).unwrap_or_default(),
            referral_credit: read
                .value("REFERRAL_CREDIT", |value| match value {
                    "first" => Ok(ReferralCredit::First),
                    "last" => Ok(ReferralCredit::Last),
                    _ => Err("must be first or last".into()),
                })
                .unwrap_or_default(),
            trusted_proxies: read.value("TRUSTED_PROXIES", |value| list(value, parse_network)).unwrap_or_default(),
            metrics_addr: read.value("METRICS_ADDR", parse_addr),
            log_json: read
                .value("LOG_FORMAT", |value| match value {
                    "json" => Ok(true),
                    "pretty" => Ok(false),
                    _ => Err("must be json or pretty".into()),
                })
                .unwrap_or(!development),
        };
        (config, read.mistakes)
    }

    /// Reads the process' environment, where a setting of attribution that there is not is a mistake too: who mistypes
    /// `ATTRIBUTION_CONSENT` must not believe that visitors are asked.
    pub fn from_environment() -> (Self, Vec<Mistake>) {
        let asked = std::cell::RefCell::new(Vec::new());
        let (config, mut mistakes) = Self::read(|name| {
            asked.borrow_mut().push(name.to_owned());
            std::env::var(name).ok()
        });
        let asked = asked.into_inner();
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        mistakes.extend(unknown(names, &asked));
        (config, mistakes)
    }

    /// Whether this is a developer's machine: sample data at a click, errors in plain words.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Whether visitors come over TLS.
    pub fn is_secure(&self) -> bool {
        self.site_url.starts_with("https://")
    }

    /// Whether a host, without port, is this site.
    pub fn is_own_host(&self, host: &str) -> bool {
        let site = self.site_url.split("://").nth(1).unwrap_or_default();
        host_of(site).eq_ignore_ascii_case(host) || self.own_hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// The look-back window of sign-ups in milliseconds.
    pub fn window_millis(&self) -> i64 {
        self.window_of("signup")
    }

    /// The look-back window of a kind of conversions in milliseconds.
    pub fn window_of(&self, kind: &str) -> i64 {
        let own = self.windows.iter().find(|(name, _)| name == kind).map(|(_, window)| *window);
        i64::try_from(own.unwrap_or(self.window).as_millis()).unwrap_or(i64::MAX)
    }
}

struct Reader<G> {
    get: G,
    mistakes: Vec<Mistake>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    /// The parsed value of a variable, or nothing where it is not set, empty or wrong.
    fn value<T>(&mut self, variable: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = (self.get)(variable)?;
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        parse(text).map_err(|what| self.mistakes.push(Mistake { variable, what })).ok()
    }
}

fn list<T>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect()
}

fn parse_addr(value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_| format!("must be an address and a port like 127.0.0.1:3000, not {value:?}"))
}

fn parse_network(value: &str) -> Result<IpNet, String> {
    value
        .parse()
        .or_else(|_| value.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| format!("has {value:?}, which is neither an address nor a network like 10.0.0.0/8"))
}

fn parse_host(value: &str) -> Result<String, String> {
    let fine = value.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':'));
    match fine && host_of(value) == value {
        true => Ok(value.to_lowercase()),
        false => Err(format!("has {value:?}, which is no host name like www.example.com (no scheme, port or path)")),
    }
}

/// The host in `host:port/path`.
fn host_of(authority: &str) -> &str {
    let authority = authority.split('/').next().unwrap_or_default();
    match authority.rfind(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn parse_site_url(value: &str) -> Result<String, String> {
    let wrong = || format!("must be an origin like https://www.example.com, without a path, not {value:?}");
    let url = value.trim_end_matches('/');
    let uri: axum::http::Uri = url.parse().map_err(|_| wrong())?;
    let fine =
        matches!(uri.scheme_str(), Some("http" | "https")) && matches!(uri.path(), "" | "/") && uri.query().is_none();
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
    match (fine, authority) {
        (true, Some(_)) => Ok(url.to_lowercase()),
        _ => Err(wrong()),
    }
}

/// Where a browser on this machine finds the site.
fn default_site_url(addr: SocketAddr) -> String {
    match addr.ip().is_unspecified() {
        true => format!("http://127.0.0.1:{}", addr.port()),
        false => format!("http://{addr}"),
    }
}

/// A whole duration with its unit: `30m`, `12h`, `90d`, `4w`.
pub fn parse_duration(value: &str) -> Result<Duration, String> {
    let wrong = || format!("must be a whole number with a unit (s, m, h, d or w) like 90d, not {value:?}");
    let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit = match &value[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    match number.checked_mul(unit) {
        Some(0) => Err("must be longer than nothing".into()),
        // a hundred years: more is a slip, and stays clear of overflow wherever it is added to a time
        Some(seconds) if seconds <= 3_155_760_000 => Ok(Duration::from_secs(seconds)),
        _ => Err("is longer than a hundred years".into()),
    }
}

/// The rules in a file. What is wrong with them, all of it, is one mistake of the variable that names the file.
fn read_rules(path: &str) -> Result<Rules, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("names {path:?}, which cannot be read: {error}"))?;
    Rules::parse(&text).map_err(|mistakes| format!("names {path:?}, where {}", mistakes.join("; ")))
}

/// The names that begin like ours and are none of those that were asked for.
fn unknown(names: impl Iterator<Item = String>, asked: &[String]) -> Vec<Mistake> {
    names
        .filter(|name| name.starts_with("ATTRIBUTION_") && !asked.contains(name))
        .map(|name| Mistake {
            variable: "ATTRIBUTION_…",
            what: format!("includes {name}, which is no setting; see .env.example"),
        })
        .collect()
}

const fn days(number: u64) -> Duration {
    Duration::from_secs(number * 86_400)
}

/// How long something is kept; nothing where it is `never` removed.
fn parse_retention(value: &str) -> Result<Option<Duration>, String> {
    if value == "never" { Ok(None) } else { parse_duration(value).map(Some) }
}

/// No kind has two windows.
fn once_each(windows: Vec<(String, Duration)>) -> Result<Vec<(String, Duration)>, String> {
    let twice =
        windows.iter().enumerate().find(|(place, (kind, _))| windows[..*place].iter().any(|(name, _)| name == kind));
    match twice {
        Some((_, (kind, _))) => Err(format!("has two windows for {kind:?}")),
        None => Ok(windows),
    }
}

/// `purchase:30d`: a kind of conversions and its look-back window.
fn parse_window(value: &str) -> Result<(String, Duration), String> {
    let (kind, window) =
        value.split_once(':').ok_or_else(|| format!("has {value:?}, which is no kind and window like purchase:30d"))?;
    let window = parse_duration(window.trim()).map_err(|why| format!("has {value:?}, whose window {why}"))?;
    Ok((kind.trim().to_lowercase(), window))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Config, Vec<Mistake>) {
        Config::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_a_working_configuration() {
        let (config, mistakes) = read(&[]);
        assert_eq!(mistakes, []);
        assert_eq!(config.database_url, "sqlite://data/waymark.db");
        assert_eq!(config.site_url, "http://127.0.0.1:3000");
        assert_eq!(config.window, Duration::from_secs(90 * 86_400));
        assert!(config.is_own_host("127.0.0.1") && !config.is_own_host("example.com"));
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_never_the_password() {
        let (_, mistakes) = read(&[
            ("DATABASE_URL", "mysql://root:secret@db/x"),
            ("ATTRIBUTION_CUSTOM_TAGS", "partner,gclid"),
            ("ATTRIBUTION_WINDOW", "90 fortnights"),
            ("LEPTOS_SITE_ADDR", "nowhere"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, ten"),
            ("SITE_URL", "https://example.com/path"),
        ]);
        let variables: Vec<_> = mistakes.iter().map(|mistake| mistake.variable).collect();
        assert_eq!(
            variables,
            [
                "LEPTOS_SITE_ADDR",
                "DATABASE_URL",
                "SITE_URL",
                "ATTRIBUTION_CUSTOM_TAGS",
                "ATTRIBUTION_WINDOW",
                "TRUSTED_PROXIES"
            ]
        );
        let text: String = mistakes.iter().map(ToString::to_string).collect();
        assert!(text.contains("gclid") && text.contains("90 fortnights") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("30m"), Ok(Duration::from_secs(1_800)));
        assert_eq!(parse_duration("4w"), Ok(Duration::from_secs(4 * 604_800)));
        for wrong in ["", "90", "d", "0d", "-1d", "1.5h", "9x", "99999999999999999999d", "9é", "1d1"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn kinds_have_windows_of_their_own() {
        let (config, mistakes) = read(&[
            ("ATTRIBUTION_WINDOW", "60d"),
            ("ATTRIBUTION_WINDOWS", "Purchase: 30d, demo:12h"),
            ("ATTRIBUTION_KEEP_UNLINKED", "never"),
        ]);
        assert_eq!(mistakes, []);
        let day = 86_400_000;
        let windows = ["signup", "purchase", "demo", "other"].map(|kind| config.window_of(kind));
        assert_eq!(windows, [60 * day, 30 * day, day / 2, 60 * day]);
        assert_eq!((config.keep_unlinked, config.keep_linked), (None, Some(days(760))));
        let (_, mistakes) = read(&[("ATTRIBUTION_WINDOWS", "purchase"), ("ATTRIBUTION_KEEP_LINKED", "0d")]);
        assert_eq!(mistakes.len(), 2);
    }

    #[test]
    fn a_mistyped_setting_of_attribution_is_a_mistake() {
        let asked = ["ATTRIBUTION_CONSENT".to_owned()];
        let names = ["ATTRIBUTION_CONSENT", "ATTRIBUTION_CONSNT", "OTHER", "PATH"].map(str::to_owned);
        let mistakes = unknown(names.into_iter(), &asked);
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].to_string().contains("ATTRIBUTION_CONSNT"), "{}", mistakes[0]);
        let (_, mistakes) = read(&[("ATTRIBUTION_WINDOWS", "purchase:30d,Purchase:7d")]);
        assert_eq!(mistakes.len(), 1);
    }

    #[test]
    fn a_secure_site_knows_its_hosts() {
        let (config, mistakes) =
            read(&[("SITE_URL", "https://Shop.example:8443/"), ("ATTRIBUTION_OWN_HOSTS", "www.shop.example")]);
        assert_eq!(mistakes, []);
        assert!(config.is_secure() && config.is_own_host("shop.example") && config.is_own_host("WWW.shop.example"));
    }
}
