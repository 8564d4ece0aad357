//! The command line. A command with options or commands of its own has a file.

use std::{
    io::{BufRead, IsTerminal},
    path::Path,
};

use clap::{Parser, Subcommand};
use waymark::{
    attribution::touch::reclassify::{self, reclassify},
    audit::{Action, Actor, Entry},
    config::Config,
    db::Db,
    privacy::retention::{self, Retention},
    server::run,
    variables::Mistake,
};

/// `waymark admin …`
mod admin;
/// `waymark backup` and `waymark restore`
mod backup;
/// `waymark demo`
mod demo;
/// `waymark health`
mod health;
/// `waymark import …`
mod import;
/// `waymark jobs …`
mod jobs;
/// How far a long command is.
mod progress;
/// `waymark token …`
mod token;
/// `waymark user …`
mod user;

/// The Leptos full-stack starter that knows where every sign-up came from.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the site (the default command). Brings the database up to date first
    Serve,
    /// Bring the database up to date, without serving
    Migrate,
    /// Ask the server on this machine whether it is ready: exit code 0 or 1
    Health,
    /// Write the whole database into a file. The server may run meanwhile
    Backup(backup::BackupArgs),
    /// Bring a backup back, into a database that is empty
    Restore(backup::RestoreArgs),
    /// Create admins
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Export, erase, disable or enable a user, set a password, or reset a second factor
    #[command(subcommand)]
    User(user::UserCommand),
    /// Create, change, list and revoke the tokens of programs that report conversions over HTTP
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Show and retry work of the background that failed, such as mail
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Add sample data to the database, or remove it
    Demo(demo::DemoArgs),
    /// Import what another system collected
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Read all touches again, by today's rules: source, medium and channel
    Reclassify,
    /// Remove what is older than the configuration keeps. A running server does this every hour
    Purge,
}

/// Runs a command. An error is the text to show.
pub async fn run(cli: Cli, config: Config, mistakes: Vec<Mistake>) -> Result<(), String> {
    let command = cli.command.unwrap_or(Command::Serve);
    if let Command::Serve = command {
        let (listener, db) = run::prepare(&config, mistakes).await.map_err(|mistakes| list("start", &mistakes))?;
        run::run(config, listener, db).await;
        return Ok(());
    }
    if !mistakes.is_empty() {
        return Err(list("run", &mistakes));
    }
    // These commands need no database, or must not change its schema: a backup before an update is one of the old schema.
    let command = match command {
        Command::Health => return health::check(&config),
        Command::Backup(args) => return backup::back_up(&config, args).await,
        Command::Restore(args) => return backup::restore(&config, args).await,
        other => other,
    };
    let db = run::open_database(&config).await.map_err(|mistake| list("run", &[mistake]))?;
    let done = match command {
        Command::Serve | Command::Health | Command::Backup(_) | Command::Restore(_) => Ok(()),
        Command::Migrate => {
            println!("The database is up to date.");
            Ok(())
        }
        Command::Admin(command) => admin::run(&db, command).await,
        Command::User(command) => user::run(&db, command).await,
        Command::Token(command) => token::run(&db, command).await,
        Command::Jobs(command) => jobs::run(&db, command).await,
        Command::Demo(args) => demo::run(&db, args).await,
        Command::Import(command) => import::run(&db, &config, command).await,
        Command::Reclassify => classify_again(&db, &config).await,
        Command::Purge => purge(&db, &config).await,
    };
    db.close().await;
    done
}

/// Notes in the audit log what a command did. A command does its work in many transactions, so the entry has its own.
async fn note(db: &Db, action: Action, detail: &str) {
    let entry = Entry::new(action, &Actor::command_line()).detail(detail);
    if let Err(error) = entry.write_alone(db).await {
        eprintln!("The audit log could not be written: {error}");
    }
}

fn list(what: &str, mistakes: &[Mistake]) -> String {
    let lines: String = mistakes.iter().map(|mistake| format!("\n  - {mistake}")).collect();
    format!("Waymark cannot {what}:{lines}")
}

fn unanswered(error: waymark::db::Error) -> String {
    format!("The database does not answer: {error}")
}

async fn classify_again(db: &Db, config: &Config) -> Result<(), String> {
    // A command without the server's settings would undo what the server's own rules did.
    let custom = config.attribution.rules.version().contains('+');
    if !custom && reclassify::custom_rules_were_used(db).await.map_err(unanswered)? {
        return Err(
            "Some touches were classified by your own rules, but ATTRIBUTION_RULES is not set. Set it as the server has \
             it, or to an empty file to give those rules up."
                .into(),
        );
    }
    let summary = reclassify(db, &config.attribution, progress::every_10_000("touches")).await;
    let summary = summary.map_err(|error| format!("{} Run the command again to continue.", unanswered(error)))?;
    let done = format!(
        "Looked at {} touches by rules {}. {} have another channel now.",
        summary.looked_at,
        config.attribution.rules.version(),
        summary.changed
    );
    note(db, Action::TouchesReclassified, &done).await;
    println!("{done}");
    for ((from, to), count) in summary.moves {
        println!("  {count} from {from} to {to}");
    }
    if summary.reread > 0 {
        println!(
            "{} have another source, medium or other field, because links are read otherwise now.",
            summary.reread
        );
    }
    for (reason, count) in summary.kept {
        println!("{count} would not be stored today, and stay as they are, because {reason}.");
    }
    for (reason, count) in summary.unsure {
        println!("{count} may differ from what the same request would store today, because {reason}.");
    }
    Ok(())
}

async fn purge(db: &Db, config: &Config) -> Result<(), String> {
    match retention::purge(db, Retention::of(config), db.now()).await.map_err(unanswered)? {
        None => Err("Another process is removing old data now. Try again later.".into()),
        Some(summary) if summary.failed > 0 => Err(format!("Not all old data could be removed: {summary}.")),
        Some(summary) => {
            note(db, Action::OldDataRemoved, &summary.to_string()).await;
            println!("Done: {summary}.");
            Ok(())
        }
    }
}

/// Reads a new password from the terminal, or from the first line of standard input.
fn ask_password(from_stdin: bool) -> Result<String, String> {
    let failed = |error| format!("The password cannot be read: {error}");
    if from_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    if !std::io::stdin().is_terminal() {
        return Err(
            "There is no terminal on which to ask for the password. Pass the password on standard input, with --password-stdin.".into()
        );
    }
    let password = rpassword::prompt_password("Password: ").map_err(failed)?;
    match rpassword::prompt_password("The same password again: ").map_err(failed)? == password {
        true => Ok(password),
        false => Err("The two passwords differ. Nothing was changed.".into()),
    }
}

/// Writes a file that only its owner may read.
fn write_private(file: &Path, text: &str) -> Result<(), String> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| format!("{} cannot be written: {error}", file.display()))
}
