//! From configuration to a running server.

use std::{io, net::SocketAddr, sync::Arc};

use leptos::config::{Env, LeptosOptions};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};

use super::{
    background,
    connections::{self, Limits, raise_open_files},
    health::Stopping,
    housekeeping, log_flood, logging, measure, router, stop, supervise,
};
use crate::{
    address_limit::AddressLimit,
    attribution::{
        Attribution,
        capture::{beacon::BeaconLimit, consent_form::ConsentLimit},
        facts::keeper::FactsKeeper,
        referral::UnknownLinkLimit,
    },
    auth::{
        Accounts,
        api_tokens::limits::ReportLimits,
        doors::{MailDoors, limit::AskLimit},
        hasher::Hasher,
        providers::Providers,
        sign_up_limit::SignUpTryLimit,
        throttle::SignInLimit,
    },
    config::Config,
    db::Db,
    jobs::Jobs,
    mail::Mailer,
    privacy::retention::Retention,
    state::{AppState, StateParts},
    variables::Mistake,
};

/// How many connections may wait to be accepted. If one client opens more at once, the system drops the first packet of others,
/// who then wait a second before they try again. The system may allow fewer.
const BACKLOG: u32 = 4096;

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As `TcpListener::bind` does: a server starts again while the last connections of the one before still close.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Opens the port and the database. Returns all mistakes together: those of the configuration, of the port and of the database.
pub async fn prepare(config: &Config, mut mistakes: Vec<Mistake>) -> Result<(TcpListener, Db), Vec<Mistake>> {
    let listener = listen(config.site_addr);
    if let Err(error) = &listener {
        let what = match error.kind() {
            std::io::ErrorKind::AddrInUse => format!(
                "is {}, and that port is in use: stop the other program or choose another port",
                config.site_addr
            ),
            _ => format!("is {}, but this machine cannot listen there: {error}", config.site_addr),
        };
        mistakes.push(Mistake { variable: "LEPTOS_SITE_ADDR", what });
    }
    let database = match mistakes.iter().any(|mistake| mistake.variable == "DATABASE_URL") {
        true => None,
        false => open_database(config).await.map_err(|mistake| mistakes.push(mistake)).ok(),
    };
    match (listener, database) {
        (Ok(listener), Some(db)) if mistakes.is_empty() => Ok((listener, db)),
        _ => Err(mistakes),
    }
}

/// Opens the database and brings its schema up to date.
pub async fn open_database(config: &Config) -> Result<Db, Mistake> {
    let mistake = |what: String| Mistake { variable: "DATABASE_URL", what };
    let db = Db::connect(&config.database_url)
        .await
        .map_err(|error| mistake(format!("names a database that cannot be opened: {error}")))?;
    db.migrate().await.map_err(|error| mistake(format!("names a database whose schema cannot be updated: {error}")))?;
    Ok(db)
}

/// Builds the state that every request can reach.
pub fn state(config: Config, db: Db) -> AppState {
    let (config, jobs) = (Arc::new(config), Jobs::default());
    AppState::new(StateParts {
        options: leptos_options(&config),
        attribution: Attribution::new(db.clone(), config.attribution.clone()),
        departures: AddressLimit::default(),
        providers: Providers::new(config.providers.clone(), config.site_url.clone()),
        accounts: Accounts {
            doors: MailDoors::of(&config.mail),
            ask_tries: AskLimit::default(),
            jobs: jobs.clone(),
            db: db.clone(),
            hasher: Hasher::default(),
            sign_in_limit: SignInLimit::default(),
            sign_up_tries: SignUpTryLimit::default(),
            registration: config.registration,
            sign_ups_per_hour: config.sign_ups_per_hour,
            referral_credit: config.attribution.referral_credit,
            admins_need_second_factor: config.admins_need_second_factor,
            secure: config.is_secure(),
        },
        jobs,
        mailer: Mailer::new(config.mail.clone(), &config.site_url),
        facts: FactsKeeper::new(db.clone(), config.facts.clone()),
        beacon_limit: BeaconLimit::default(),
        consent_limit: ConsentLimit::default(),
        referral_limit: UnknownLinkLimit::default(),
        report_limits: ReportLimits::default(),
        db,
        config,
    })
}

/// Returns where cargo-leptos put the built site. cargo-leptos sets the `LEPTOS_…` variables while it runs the server. A deployed
/// binary may run without these variables.
fn leptos_options(config: &Config) -> LeptosOptions {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let port = |name: &str| variable(name).and_then(|value| value.parse().ok());
    // cargo-leptos writes this file beside the binary if the site's file names have hashes.
    let hashes = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.join("hash.txt").exists()));
    let hash_files = variable("LEPTOS_HASH_FILES").map_or(hashes == Some(true), |value| value == "true");
    LeptosOptions::builder()
        .output_name("waymark")
        .site_root(variable("LEPTOS_SITE_ROOT").unwrap_or_else(|| "target/site".into()))
        .site_pkg_dir(variable("LEPTOS_SITE_PKG_DIR").unwrap_or_else(|| "pkg".into()))
        .site_addr(config.site_addr)
        .env(if config.development { Env::DEV } else { Env::PROD })
        .reload_port(port("LEPTOS_RELOAD_PORT").unwrap_or(3001))
        .reload_external_port(port("LEPTOS_RELOAD_EXTERNAL_PORT"))
        .hash_files(hash_files)
        .build()
}

/// Serves until the process is asked to stop.
pub async fn run(config: Config, listener: TcpListener, db: Db) {
    // Dropped at the end, when everything is logged.
    let _traces = logging::start(config.log_json);
    let files = raise_open_files();
    if let Some(addr) = config.metrics_addr {
        serve_metrics(addr);
    }
    warn_of_settings(&config);
    tell_of_mail(&config);
    let state = state(config, db.clone());
    let config = state.config.clone();
    let counters = state.attribution.counters.clone();
    let (background, facts, jobs) = (start_background(&state), state.facts.clone(), state.jobs.clone());
    let stopping = Stopping::default();
    // With port 0, the system has chosen a port.
    let addr = listener.local_addr().unwrap_or(config.site_addr);
    let limits =
        Limits::with_files(files, config.connections_per_address, config.trusted_proxies.clone().unwrap_or_default());
    let router = router::router(state, stopping.clone());
    let stop = stop::asked(stopping, config.shutdown_delay, jobs.clone());
    tracing::info!(url = config.site_url, %addr, connections = limits.connections, "ready");
    connections::serve(listener, router, limits, stop).await;
    stop::end_jobs(&jobs).await;
    drop(background);
    stop::close(&db, &counters, &facts).await;
    log_flood::tell_once();
    tracing::info!("stopped");
}

fn serve_metrics(addr: SocketAddr) {
    let exporter = PrometheusBuilder::new()
        .with_http_listener(addr)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &measure::SECONDS)
        .and_then(PrometheusBuilder::install);
    if let Err(error) = exporter {
        tracing::error!(%error, %addr, "metrics cannot be served");
    }
}

/// Warns of settings that leave a public site open.
fn warn_of_settings(config: &Config) {
    if !config.is_secure() && !config.development {
        tracing::warn!("SITE_URL is not https://, so cookies are not protected: use this only on your own machine");
    }
    if config.is_secure() && !config.development && config.trusted_proxies.is_none() {
        tracing::warn!(
            "SITE_URL is https://, so a proxy stands before the server, and TRUSTED_PROXIES does not name it: limits by address \
             count all visitors as one. Set TRUSTED_PROXIES to the proxy's network, such as 10.0.0.0/8, or to none"
        );
    }
}

/// Says what is closed because no mail can be sent.
fn tell_of_mail(config: &Config) {
    match &config.mail.route {
        Some(route) => tracing::info!(?route, from = %config.mail.from, "mail"),
        None => tracing::warn!(
            "MAIL_URL is not set, so no mail is sent: users cannot confirm or change their address, reset a forgotten password, or \
             sign in by a link. Pages do not offer these"
        ),
    }
    if config.mail.route.is_none() && !config.registration.is_open() {
        tracing::warn!(
            "REGISTRATION=invite, but invitations go by mail, and MAIL_URL is not set: accounts can only be made on the command line"
        );
    }
}

/// Starts the work that goes on while the server serves. Dropping the returned set ends the work.
fn start_background(state: &AppState) -> JoinSet<()> {
    let mut work = JoinSet::new();
    let (db, retention) = (state.db.clone(), Retention::of(&state.config));
    work.spawn(supervise::forever("housekeeping", move || housekeeping::run(db.clone(), retention)));
    let (db, counters) = (state.db.clone(), state.attribution.counters.clone());
    work.spawn(supervise::forever("counters", move || housekeeping::write_counters(db.clone(), counters.clone())));
    let facts = state.facts.clone();
    work.spawn(supervise::forever("facts", move || facts.clone().tidy()));
    work.spawn(supervise::forever("log", log_flood::tell));
    let (db, jobs, handlers) = (state.db.clone(), state.jobs.clone(), background::handlers(state));
    work.spawn(supervise::forever("jobs", move || {
        let (db, jobs, handlers) = (db.clone(), jobs.clone(), handlers.clone());
        async move { jobs.work(db, handlers).await }
    }));
    work
}
