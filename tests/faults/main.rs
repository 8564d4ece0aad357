//! The fault tests, which `bin/faults` runs. Virtual browsers visit a running site while something goes wrong.
//!
//! Each landing carries a random id in `utm_content`. The ledger takes an id once the whole 2xx or 3xx answer was read. After
//! the fault, browsers that hold touches in a cookie bring them. The ledger is then compared with the database.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use clap::Parser;

use crate::{
    case::Case,
    cases::{Fault, On},
    database::Kind,
    postgres::Postgres,
    report::Row,
    site::Bench,
};

mod browser;
mod case;
mod cases;
mod chance;
mod database;
mod http;
mod ledger;
mod load;
mod others;
mod postgres;
mod process;
mod proxy;
mod report;
mod rude;
mod server;
mod site;
mod visits;

/// Nothing here is caught: an error ends its fault and stands in the report.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Error>;

/// Tries the faults that Waymark has to survive.
#[derive(Debug, Parser)]
#[command(name = "bin/faults")]
struct Options {
    /// About two minutes instead of an hour
    #[arg(long)]
    short: bool,
    /// Only the faults with these names
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only this database: sqlite or postgres
    #[arg(long)]
    database: Option<String>,
    /// The seed of all random choices. Default: the time
    #[arg(long)]
    seed: Option<u64>,
    /// Prints the names of the faults
    #[arg(long)]
    list: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(binary) = variable("WAYMARK_BIN") else {
        println!("The fault tests need a release build. Run them with bin/faults.");
        return ExitCode::SUCCESS;
    };
    let options = Options::parse();
    if options.list {
        Fault::ALL.iter().for_each(|fault| println!("{}", fault.name()));
        return ExitCode::SUCCESS;
    }
    let done = tokio::select! {
        done = run(&options, binary) => done,
        // Everything that was started ends as `run` is dropped.
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

async fn run(options: &Options, binary: PathBuf) -> Result<bool> {
    if !ledger::finds_differences() {
        return Err("the ledger does not find differences that are there".into());
    }
    let known: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    if let Some(unknown) = options.only.iter().find(|name| !known.contains(name.as_str())) {
        return Err(format!("there is no fault \"{unknown}\": there are {known:?}").into());
    }
    let chosen: Vec<(Fault, On)> = Fault::ALL
        .into_iter()
        .filter(|fault| options.only.is_empty() || options.only.iter().any(|name| name == fault.name()))
        .flat_map(|fault| fault.places().into_iter().map(move |on| (fault, on)))
        .filter(|(_, on)| options.database.as_ref().is_none_or(|name| name == on.kind.name()))
        .filter(|(_, on)| on.in_short || !options.short)
        .collect();
    let folder = variable("FAULTS_DIR").ok_or("FAULTS_DIR is not set: run bin/faults")?;
    let needs_postgres = chosen.iter().any(|(_, on)| on.kind == Kind::Postgres);
    let postgres = needs_postgres.then(|| Postgres::start(&folder.join("postgres"))).transpose()?.map(Arc::new);
    let bench = Bench { binary, old_binary: variable("WAYMARK_OLD_BIN"), folder, short: options.short, postgres };
    let seed = options.seed.unwrap_or_else(time_seed);
    println!("seed: {seed}");
    let mut rows = Vec::new();
    for (number, (fault, on)) in chosen.into_iter().enumerate() {
        let began = Instant::now();
        let mut row = attempt(&bench, fault, on, seed.wrapping_add(number as u64)).await;
        row.note(format!("took {:.1?}", began.elapsed()));
        row.print_details();
        rows.push(row);
    }
    Ok(report::print(&rows))
}

/// Tries one fault in one place. What cannot go on has failed.
async fn attempt(bench: &Bench, fault: Fault, on: On, seed: u64) -> Row {
    let row = Row { fault: fault.name().to_owned(), database: on.kind.name(), replicas: on.replicas, ..Row::default() };
    let name = format!("{}_{}_{}", fault.name().replace('-', "_"), on.kind.name(), on.replicas);
    match prepare(bench, fault, &name, on, seed, row).await {
        Ok(mut case) => {
            if let Err(error) = fault.run(&mut case).await {
                case.row.fail(error.to_string());
            }
            case.row
        }
        Err(error) => {
            let mut row = Row { fault: fault.name().to_owned(), database: on.kind.name(), ..Row::default() };
            row.fail(format!("the site could not be made: {error}"));
            row
        }
    }
}

async fn prepare<'b>(bench: &'b Bench, fault: Fault, name: &str, on: On, seed: u64, row: Row) -> Result<Case<'b>> {
    let database = bench.database(on.kind, name).await?;
    let site = bench.site(database, on.replicas, name, &fault.setup()).await?;
    Case::new(bench, name.to_owned(), site, seed, row).await
}

/// Returns a seed that differs from run to run.
fn time_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| u64::try_from(since.as_millis()).unwrap_or(1))
}
