//! `bin/conformance URL`: runs the case files against a running server.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

mod runner;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use clap::Parser;

use runner::{admin::Admin, browser::Site, file::CaseFile};

/// Acts out the conformance cases against a running server, and compares its leads.csv with what the cases say.
#[derive(Parser)]
#[command(bin_name = "bin/conformance")]
struct Arguments {
    /// The address of the server: http://127.0.0.1:3000
    #[arg(value_parser = address)]
    url: String,
    /// The files to run. Default: all files that ask for no settings.
    files: Vec<PathBuf>,
    /// Runs only the cases whose name or file name contains this text.
    #[arg(long, default_value = "")]
    only: String,
    /// The e-mail address of an admin of the server.
    #[arg(long, env = "ADMIN_EMAIL")]
    admin: String,
    /// The admin's password.
    #[arg(env = "ADMIN_PASSWORD", long, hide_env_values = true)]
    password: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Run by `cargo test`, the program has no address of a server.
    if std::env::args_os().len() < 2 {
        println!("bin/conformance URL runs the cases against a running server.");
        return ExitCode::SUCCESS;
    }
    match run(Arguments::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the number of cases that do not hold.
async fn run(arguments: Arguments) -> Result<usize, String> {
    let mut files = match arguments.files.as_slice() {
        [] => CaseFile::read_all(&runner::folder())?,
        named => named.iter().map(|path| CaseFile::read(path)).collect::<Result<_, _>>()?,
    };
    if arguments.files.is_empty() {
        for file in files.extract_if(.., |file| !file.settings.is_empty()) {
            println!("{} is left out. It is for a server with {}", file.name, shown(&file.settings));
        }
    }
    let settings = files.first().map(|file| file.settings.clone()).unwrap_or_default();
    if let Some(other) = files.iter().find(|file| file.settings != settings) {
        return Err(format!(
            "the files are for different servers: {} for one with {}, the first for one with {}",
            other.name,
            shown(&other.settings),
            shown(&settings)
        ));
    }
    let files: Vec<CaseFile> = files.into_iter().map(|file| file.only(&arguments.only)).collect();
    let all: usize = files.iter().map(|file| file.cases.len()).sum();
    if all == 0 {
        return Err(format!("no case is called {}", arguments.only));
    }
    let site = Site::new(&arguments.url, settings.get("SITE_URL").map(String::as_str))?;
    let admin = Admin::sign_in(&site, &arguments.admin, &arguments.password).await?;
    let failed = runner::run(&site, &admin, &files.iter().collect::<Vec<_>>()).await?;
    for case in &failed {
        println!("{case}");
    }
    println!("{} passed, {} failed", all - failed.len(), failed.len());
    Ok(failed.len())
}

/// Reads the address of a server.
fn address(text: &str) -> Result<String, &'static str> {
    let is_address = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    if is_address { Ok(text.to_owned()) } else { Err("write it with http:// or https://") }
}

/// Returns settings as a shell takes them: `ATTRIBUTION_CONSENT=required`.
fn shown(settings: &BTreeMap<String, String>) -> String {
    let settings: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if settings.is_empty() { "the default settings".to_owned() } else { settings.join(" ") }
}
