//! Configuration: environment variables, read once at the start.
//!
//! A mistake stops the start. All mistakes are reported at once. A report names the variable, and never repeats a value that may
//! be secret.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::{
    attribution::{
        facts::keeper::KeeperSettings,
        settings::{Settings, Site},
    },
    auth::{
        providers::{self, settings::ProviderSettings},
        registration::{REGISTRATION, Registration},
    },
    db::{Dialect, sqlite_file},
    mail::MailSettings,
    page_parameters::PAGE_PARAMETERS,
    variables::{Mistake, Variables, days, list, parse_duration, parse_retention},
};

/// See [`Config::sign_ups_per_hour`].
const DEFAULT_PER_HOUR: i64 = 1_000;

/// Prefixes of paths that are no landings: build output, server functions, health and metrics. The addresses of an erasure's
/// confirmation and of links in mails are secrets, so they must not become landing paths. A slash at the end stands for what is
/// below.
const NO_PAGES: [&str; 12] = [
    "/pkg",
    "/api",
    "/healthz",
    "/readyz",
    "/metrics",
    "/erased",
    "/login/",
    "/reset",
    "/verify",
    "/email",
    "/invitation",
    "/dev",
];

/// How many connections one address may have. A browser opens six.
pub const CONNECTIONS_PER_ADDRESS: usize = 256;

/// How the application runs. Each field names its variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`: `sqlite://data/waymark.db` (default) or `postgres://user:password@host/database`.
    pub database_url: String,
    /// `LEPTOS_SITE_ADDR`: the address on which the server listens. Default `127.0.0.1:3000`.
    pub site_addr: SocketAddr,
    /// `SITE_URL`: the address under which visitors reach the site. Default `http://` and the address above. With `https://`
    /// the server sends HSTS, and cookies have `Secure` and the `__Host-` prefix.
    pub site_url: String,
    /// `LEPTOS_ENV`: `DEV` (which `cargo leptos watch` sets) or `PROD`. Default: `DEV` in a debug build, `PROD` in a release
    /// build.
    pub development: bool,
    /// What the owner sets about attribution.
    pub attribution: Arc<Settings>,
    /// `TRUSTED_PROXIES`: networks of proxies, separated by commas. `X-Forwarded-For` is read only from them. With `none`, the list
    /// is empty: no proxy stands before the server. `None` if the variable is not set: there may be a proxy.
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// `CONNECTIONS_PER_ADDRESS`: how many connections one address may have. Default 256. Trusted proxies have as many as
    /// they like.
    pub connections_per_address: usize,
    /// `SHUTDOWN_DELAY`: how long the server still serves after it was told to stop, while `/readyz` says 503. Default: 0 s in
    /// development, else 5 s.
    pub shutdown_delay: Duration,
    /// `HSTS`: which hosts browsers may reach only over TLS. Default: `subdomains`.
    pub hsts: Hsts,
    /// `REGISTRATION`: who may make an account: everybody (`open`, the default), or only invited people (`invite`).
    pub registration: Registration,
    /// `SIGN_UPS_PER_HOUR`: how many accounts may be made in an hour, on all servers together; or `unlimited`. Default: 1000.
    pub sign_ups_per_hour: i64,
    /// `AUDIT_KEEP`: how long entries of the audit log are kept; `never` removes none. Default: `365d`.
    pub audit_keep: Option<Duration>,
    /// `OAUTH_GITHUB_ID` and `OAUTH_GITHUB_SECRET`, and the same for `GOOGLE`: what people may sign in with beside a password.
    pub providers: Vec<ProviderSettings>,
    /// `REQUIRE_SECOND_FACTOR`: who needs a second factor: `admins`, or `nobody` (default).
    pub admins_need_second_factor: bool,
    /// `METRICS_ADDR`: the address on which Prometheus metrics are served. Default: no metrics.
    pub metrics_addr: Option<SocketAddr>,
    /// `FACTS_MEMORY` and `FACTS_IDLE`: how much memory the facts may take that reports count from (default `1024MiB`), and after
    /// what time without a question they are dropped (default `30m`). `FACTS_FILE`: the file that keeps them over a restart, or
    /// `none`. Default: beside the SQLite file, and none for PostgreSQL.
    pub facts: KeeperSettings,
    /// `MAIL_URL` and `MAIL_FROM`: where mail goes, and its sender. Default: nowhere; in development builds, mail is kept in a
    /// folder, and `/dev/mail` shows it.
    pub mail: MailSettings,
    /// `LOG_FORMAT`: `json` or `pretty`. Default: `pretty` in development, else `json`.
    pub log_json: bool,
}

/// Which hosts browsers may reach only over TLS, once they have seen the site over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hsts {
    /// Any host may be reached without TLS.
    Off,
    /// The host of the site.
    Host,
    /// The host of the site and all hosts below it.
    Subdomains,
}

/// The words for [`Hsts`].
const HSTS: [(&str, Hsts); 3] = [("off", Hsts::Off), ("host", Hsts::Host), ("subdomains", Hsts::Subdomains)];

/// Returns whether this process runs on a developer's machine, before the configuration is read.
pub fn runs_in_development() -> bool {
    let told = std::env::var("LEPTOS_ENV").ok().and_then(|value| parse_environment(&value).ok());
    told.unwrap_or(cfg!(debug_assertions))
}

impl Config {
    /// Reads the configuration through `get`, which returns the value of a variable.
    ///
    /// Always returns a configuration: a wrong value is replaced by the default. So the start can also try the port and the
    /// database, and report all mistakes together.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> (Self, Vec<Mistake>) {
        let mut variables = Variables::new(&get);
        let site_addr = variables.value("LEPTOS_SITE_ADDR", parse_addr);
        let site_addr = site_addr.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000)));
        let development = variables.value("LEPTOS_ENV", parse_environment).unwrap_or(cfg!(debug_assertions));
        let database_url = variables.value("DATABASE_URL", |url| Dialect::of(url).map(|_| url.to_owned()));
        let site_url = variables.value("SITE_URL", parse_site_url).unwrap_or_else(|| default_site_url(site_addr));
        let database_url = database_url.unwrap_or_else(|| "sqlite://data/waymark.db".into());
        // Only development builds have the page that shows kept mail.
        let kept_in = (development && cfg!(debug_assertions)).then(|| mail_folder(&database_url));
        let config = Self {
            site_addr,
            development,
            attribution: Arc::new(Settings::read(
                &mut variables,
                Site { url: &site_url, no_pages: &NO_PAGES, reserved_parameters: &PAGE_PARAMETERS },
            )),
            trusted_proxies: variables.value("TRUSTED_PROXIES", parse_proxies),
            connections_per_address: variables
                .value("CONNECTIONS_PER_ADDRESS", parse_count)
                .unwrap_or(CONNECTIONS_PER_ADDRESS),
            shutdown_delay: variables
                .value("SHUTDOWN_DELAY", parse_delay)
                .unwrap_or(Duration::from_secs(if development { 0 } else { 5 })),
            hsts: variables.choice("HSTS", &HSTS).unwrap_or(Hsts::Subdomains),
            registration: variables.choice("REGISTRATION", &REGISTRATION).unwrap_or_default(),
            sign_ups_per_hour: variables.value("SIGN_UPS_PER_HOUR", parse_per_hour).unwrap_or(DEFAULT_PER_HOUR),
            audit_keep: variables.value("AUDIT_KEEP", parse_retention).unwrap_or(Some(days(365))),
            providers: providers::settings::read(&mut variables),
            admins_need_second_factor: variables
                .choice("REQUIRE_SECOND_FACTOR", &[("nobody", false), ("admins", true)])
                .unwrap_or(false),
            metrics_addr: variables.value("METRICS_ADDR", parse_addr),
            facts: KeeperSettings {
                memory: variables.value("FACTS_MEMORY", parse_memory).unwrap_or(1024 << 20),
                idle: variables.value("FACTS_IDLE", parse_duration).unwrap_or(Duration::from_mins(30)),
                file: match variables.value("FACTS_FILE", |path| Ok(path.to_owned())).as_deref() {
                    None => sqlite_file(&database_url).map(|database| database.with_added_extension("facts")),
                    Some("none") => None,
                    Some(path) => Some(path.into()),
                },
            },
            mail: MailSettings::read(&mut variables, &site_url, kept_in),
            log_json: variables.choice("LOG_FORMAT", &[("json", true), ("pretty", false)]).unwrap_or(!development),
            database_url,
            site_url,
        };
        (config, variables.mistakes)
    }

    /// Reads the environment of the process.
    ///
    /// An unknown variable that begins with `ATTRIBUTION_` is a mistake too. Otherwise an owner who mistypes
    /// `ATTRIBUTION_CONSENT` would believe that visitors are asked.
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

    /// Returns whether this is a developer's machine, where the dashboard offers sample data at a click.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// Returns whether visitors come over TLS.
    pub fn is_secure(&self) -> bool {
        self.site_url.starts_with("https://")
    }
}

/// Returns the folder in which a developer's machine keeps mail: `mail` beside the SQLite file.
fn mail_folder(database_url: &str) -> PathBuf {
    sqlite_file(database_url).and_then(|file| Some(file.parent()?.join("mail"))).unwrap_or_else(|| "data/mail".into())
}

fn parse_addr(value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_| format!("must be an address and a port like 127.0.0.1:3000, not {value:?}"))
}

/// Reads a list of networks, or `none`.
fn parse_proxies(value: &str) -> Result<Vec<IpNet>, String> {
    if value.eq_ignore_ascii_case("none") { Ok(Vec::new()) } else { list(value, parse_network) }
}

fn parse_count(value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("must be a whole number above zero, not {value:?}"))
}

/// Reads a number of mebibytes, and returns the bytes.
fn parse_memory(value: &str) -> Result<usize, String> {
    let number: Option<usize> = value.strip_suffix("MiB").and_then(|number| number.trim().parse().ok());
    let bytes = number.filter(|number| *number > 0).and_then(|number| number.checked_mul(1 << 20));
    bytes.ok_or_else(|| format!("must be a whole number above zero with the unit MiB, like 512MiB, not {value:?}"))
}

/// Reads a duration, or `0s`.
fn parse_delay(value: &str) -> Result<Duration, String> {
    if value == "0s" { Ok(Duration::ZERO) } else { parse_duration(value) }
}

fn parse_network(value: &str) -> Result<IpNet, String> {
    value
        .parse()
        .or_else(|_| value.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| format!("has {value:?}, which is neither an address nor a network like 10.0.0.0/8"))
}

fn parse_per_hour(value: &str) -> Result<i64, String> {
    match value.parse() {
        _ if value == "unlimited" => Ok(i64::MAX),
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("must be a whole number above zero, or unlimited, not {value:?}")),
    }
}

fn parse_environment(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "dev" | "development" => Ok(true),
        "prod" | "production" => Ok(false),
        _ => Err("must be DEV or PROD".into()),
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

/// Returns the address at which a browser on this machine reaches the site. Example: `0.0.0.0:3000` → `http://127.0.0.1:3000`.
fn default_site_url(addr: SocketAddr) -> String {
    match addr.ip().is_unspecified() {
        true => format!("http://127.0.0.1:{}", addr.port()),
        false => format!("http://{addr}"),
    }
}

/// Returns a mistake for each name that begins with `ATTRIBUTION_` and is not a setting.
fn unknown(names: impl Iterator<Item = String>, asked: &[String]) -> Vec<Mistake> {
    names
        .filter(|name| name.starts_with("ATTRIBUTION_") && !asked.contains(name))
        .map(|name| Mistake {
            variable: "ATTRIBUTION_…",
            what: format!("includes {name}, which is no setting; see .env.example"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::settings::DEFAULT_WINDOW;

    fn read(pairs: &[(&str, &str)]) -> (Config, Vec<Mistake>) {
        Config::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_a_working_configuration() {
        let (config, mistakes) = read(&[]);
        assert_eq!(mistakes, []);
        assert_eq!(config.database_url, "sqlite://data/waymark.db");
        assert_eq!(config.site_url, "http://127.0.0.1:3000");
        assert_eq!(config.attribution.credit.window, DEFAULT_WINDOW);
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_never_the_password() {
        let (_, mistakes) = read(&[
            ("DATABASE_URL", "mysql://root:secret@db/x"),
            ("ATTRIBUTION_CUSTOM_TAGS", "partner,gclid"),
            ("ATTRIBUTION_WINDOW", "90 fortnights"),
            ("LEPTOS_SITE_ADDR", "nowhere"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, ten"),
            ("REGISTRATION", "closed"),
            ("SITE_URL", "https://example.com/path"),
            ("MAIL_URL", "http://me:secret@mail.example.com"),
            ("MAIL_FROM", "me"),
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
                "TRUSTED_PROXIES",
                "REGISTRATION",
                "MAIL_URL",
                "MAIL_FROM"
            ]
        );
        let text: String = mistakes.iter().map(ToString::to_string).collect();
        assert!(text.contains("gclid") && text.contains("90 fortnights") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn sign_ups_have_a_number_or_no_limit() {
        for (value, expected) in [("", 1_000), ("20", 20), ("unlimited", i64::MAX)] {
            let (config, mistakes) = read(&[("SIGN_UPS_PER_HOUR", value)]);
            assert_eq!((config.sign_ups_per_hour, mistakes.len()), (expected, 0), "{value}");
        }
        for wrong in ["0", "-1", "1.5", "many"] {
            assert_eq!(read(&[("SIGN_UPS_PER_HOUR", wrong)]).1.len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_mistyped_setting_of_attribution_is_a_mistake() {
        let asked = ["ATTRIBUTION_CONSENT".to_owned()];
        let names = ["ATTRIBUTION_CONSENT", "ATTRIBUTION_CONSNT", "OTHER", "PATH"].map(str::to_owned);
        let mistakes = unknown(names.into_iter(), &asked);
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].to_string().contains("ATTRIBUTION_CONSNT"), "{}", mistakes[0]);
    }
}
