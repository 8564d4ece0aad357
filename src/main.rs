//! The command line: reads the configuration, then runs what was asked for.

use std::{
    io::{BufRead, IsTerminal},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use waymark::{
    auth::{
        User,
        sign_up::{SignUpFailure, create_admin},
    },
    config::{Config, Mistake},
    db::Db,
    demo::{self, Demo},
    server::run,
};

/// A page is made of many small strings, and glibc's allocator is slow at those.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Leptos full-stack starter that knows where every sign-up came from.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the site (what happens without a command). Brings the database up to date first.
    Serve,
    /// Bring the database up to date, and nothing else.
    Migrate,
    /// Admins.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Fill the database with a year of sample data.
    Demo(DemoArgs),
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Create an admin, or make an account one. Asks for the password.
    Create {
        #[arg(long)]
        email: String,
        /// Read the password from standard input: its first line.
        #[arg(long)]
        password_stdin: bool,
    },
    /// For development: where there is no admin yet, create one and print its one-time password.
    EnsureDev,
}

#[derive(Debug, clap::Args)]
struct DemoArgs {
    /// How many users signed up.
    #[arg(long, default_value_t = 400)]
    users: u32,
    /// How many days back it goes.
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// The same seed makes the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Fill in sample data although there is real data.
    #[arg(long)]
    mix: bool,
    /// Make the sample data anew.
    #[arg(long)]
    replace: bool,
    /// Remove the sample data, and nothing else.
    #[arg(long, conflicts_with_all = ["mix", "replace"])]
    remove: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    // a file for development; what is set stands above it
    let _ = dotenvy::dotenv();
    let cli = Cli::parse();
    let (config, mistakes) = Config::read(|name| std::env::var(name).ok());
    match execute(cli.command.unwrap_or(Command::Serve), config, mistakes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command, config: Config, mistakes: Vec<Mistake>) -> Result<(), String> {
    if let Command::Serve = command {
        let (listener, db) = run::prepare(&config, mistakes).await.map_err(|mistakes| list("start", &mistakes))?;
        run::run(config, listener, db).await;
        return Ok(());
    }
    if !mistakes.is_empty() {
        return Err(list("run", &mistakes));
    }
    let db = run::open_database(&config).await.map_err(|mistake| list("run", &[mistake]))?;
    let done = match command {
        Command::Serve => Ok(()),
        Command::Migrate => {
            println!("The database is up to date.");
            Ok(())
        }
        Command::Admin(AdminCommand::Create { email, password_stdin }) => create(&db, &email, password_stdin).await,
        Command::Admin(AdminCommand::EnsureDev) => ensure_dev(&db).await,
        Command::Demo(args) => fill(&db, args).await,
    };
    db.close().await;
    done
}

fn list(what: &str, mistakes: &[Mistake]) -> String {
    let lines: String = mistakes.iter().map(|mistake| format!("\n  - {mistake}")).collect();
    format!("Waymark cannot {what}:{lines}")
}

async fn create(db: &Db, email: &str, password_stdin: bool) -> Result<(), String> {
    let password = if password_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| format!("The password cannot be read: {error}"))?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else if std::io::stdin().is_terminal() {
        let ask = |prompt| {
            rpassword::prompt_password(prompt).map_err(|error| format!("The password cannot be read: {error}"))
        };
        let password = ask("Password: ")?;
        if ask("Once more: ")? != password {
            return Err("The passwords differ.".into());
        }
        password
    } else {
        return Err(
            "There is no terminal to ask for the password. Pass it on standard input with --password-stdin.".into()
        );
    };
    create_admin(db, email, password).await.map_err(|failure| match failure {
        SignUpFailure::Invalid { email, password } => {
            [email.map(|why| format!("E-mail: {why}")), password.map(|why| format!("Password: {why}"))]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("\n")
        }
        other => format!("The admin could not be created: {other}"),
    })?;
    println!("{email} can sign in and open /admin.");
    Ok(())
}

async fn ensure_dev(db: &Db) -> Result<(), String> {
    const EMAIL: &str = "admin@example.com";
    let failed = |error: waymark::db::Error| format!("The database does not answer: {error}");
    if User::any_admin(&mut db.read().await.map_err(failed)?).await.map_err(failed)? {
        println!("There is an admin already. A new password: waymark admin create --email E");
        return Ok(());
    }
    // 122 random bits; shown this once
    let password = uuid::Uuid::new_v4().simple().to_string();
    create_admin(db, EMAIL, password.clone())
        .await
        .map_err(|failure| format!("The admin could not be created: {failure}"))?;
    println!("Admin for development:  {EMAIL}  with the one-time password  {password}");
    println!("It is shown only now. Change it at /account.");
    Ok(())
}

async fn fill(db: &Db, args: DemoArgs) -> Result<(), String> {
    let done = if args.remove {
        demo::remove(db).await.map(|summary| ("Removed", summary))
    } else {
        let demo = Demo { users: args.users, days: args.days, seed: args.seed, mix: args.mix, replace: args.replace };
        let terminal = std::io::stderr().is_terminal();
        let progress = |done, of| {
            if terminal {
                eprint!("\r{done} of {of} visitors");
            }
        };
        let filled = demo::fill(db, &demo, progress).await.map(|summary| ("Added", summary));
        if terminal {
            eprintln!();
        }
        filled
    };
    let (what, summary) = done.map_err(|error| error.to_string())?;
    println!("{what} sample data: {summary}.");
    Ok(())
}
