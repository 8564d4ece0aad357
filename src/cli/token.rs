use std::time::Duration;

use clap::{Args, Subcommand};
use waymark::{
    audit::Actor,
    auth::api_tokens::{self, ApiToken, Terms},
    components::format,
    db::Db,
    variables::parse_duration,
};

use super::unanswered;

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token for POST /api/conversions, or for reading reports, and print it, once
    Create {
        /// The system that reports with the token, such as `stripe`. Also the source of the conversions, unless a report names
        /// another
        #[arg(long)]
        name: String,
        #[command(flatten)]
        terms: TermArgs,
    },
    /// Change what a token may do. What is not given becomes as for a new token
    Change {
        /// The name that the token was created with
        #[arg(long)]
        name: String,
        #[command(flatten)]
        terms: TermArgs,
    },
    /// List the tokens' names and when they were used
    List,
    /// Revoke a token. The next request with it is refused
    Revoke {
        /// The name that the token was created with
        #[arg(long)]
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct TermArgs {
    /// The sources that the token may report as, separated by commas. Default: the token's name
    #[arg(long, value_delimiter = ',')]
    sources: Vec<String>,
    /// Let the token read the totals of campaigns, GET /api/reports/campaigns.csv, and report nothing
    #[arg(long, conflicts_with = "sources")]
    read: bool,
    /// When the token ends, counted from now: a whole number of s, m, h, d or w, such as 90d. Default: never
    #[arg(long, value_parser = parse_duration)]
    expires: Option<Duration>,
}

impl From<TermArgs> for Terms {
    fn from(args: TermArgs) -> Self {
        let sources = args.sources.iter().map(|source| source.trim().to_owned()).collect();
        Self { sources, lasts: args.expires, reads: args.read }
    }
}

pub async fn run(db: &Db, command: TokenCommand) -> Result<(), String> {
    match command {
        TokenCommand::Create { name, terms } => {
            let token = api_tokens::create(db, &name, terms.into(), &Actor::command_line())
                .await
                .map_err(|error| error.to_string())?;
            println!("{token}");
            eprintln!("The token is shown only now. Send it in a header: Authorization: Bearer {token}");
        }
        TokenCommand::Change { name, terms } => {
            match api_tokens::change(db, &name, terms.into(), &Actor::command_line())
                .await
                .map_err(|error| error.to_string())?
            {
                true => println!("The token {name} is changed."),
                false => return Err(format!("There is no token with the name {name:?} to change.")),
            }
        }
        TokenCommand::List => {
            let tokens = api_tokens::list(db).await.map_err(unanswered)?;
            if tokens.is_empty() {
                println!("There are no tokens. Create one: waymark token create --name stripe");
            }
            let now = db.now();
            for ApiToken { name, scope, created_at, last_used_at, revoked_at, expires_at } in tokens {
                let used =
                    last_used_at.map_or_else(|| "never used".into(), |at| format!("used {}", format::rfc3339(at)));
                let state = revoked_at.map_or(used, |at| format!("revoked {}", format::rfc3339(at)));
                let end = expires_at.map_or_else(String::new, |at| {
                    format!("\t{} {}", if at <= now { "ended" } else { "ends" }, format::rfc3339(at))
                });
                let may = match scope.reads_reports() {
                    true => "reads reports".to_owned(),
                    false => format!("reports as {}", scope.sources().join(", ")),
                };
                println!("{name}\t{may}\tcreated {}\t{state}{end}", format::rfc3339(created_at));
            }
        }
        TokenCommand::Revoke { name } => {
            match api_tokens::revoke(db, &name, &Actor::command_line()).await.map_err(unanswered)? {
                true => println!("The token {name} is revoked."),
                false => return Err(format!("There is no token with the name {name:?} to revoke.")),
            }
        }
    }
    Ok(())
}
