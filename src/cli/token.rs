use clap::Subcommand;
use waymark::{
    auth::api_tokens::{self, ApiToken},
    components::format,
    db::Db,
};

use super::unanswered;

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token for POST /api/conversions and print it, once
    Create {
        /// The system that reports with the token, such as `stripe`. Also the source of the conversions, unless a report names another
        #[arg(long)]
        name: String,
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

pub async fn run(db: &Db, command: TokenCommand) -> Result<(), String> {
    match command {
        TokenCommand::Create { name } => {
            let token = api_tokens::create(db, &name).await.map_err(|error| error.to_string())?;
            println!("{token}");
            eprintln!("The token is shown only now. Send it in a header: Authorization: Bearer {token}");
        }
        TokenCommand::List => {
            let tokens = api_tokens::list(db).await.map_err(unanswered)?;
            if tokens.is_empty() {
                println!("There are no tokens. Create one: waymark token create --name stripe");
            }
            for ApiToken { name, created_at, last_used_at, revoked_at } in tokens {
                let used =
                    last_used_at.map_or_else(|| "never used".into(), |at| format!("used {}", format::rfc3339(at)));
                let state = revoked_at.map_or(used, |at| format!("revoked {}", format::rfc3339(at)));
                println!("{name}\tcreated {}\t{state}", format::rfc3339(created_at));
            }
        }
        TokenCommand::Revoke { name } => match api_tokens::revoke(db, &name).await.map_err(unanswered)? {
            true => println!("The token {name} is revoked."),
            false => return Err(format!("There is no token with the name {name:?} to revoke.")),
        },
    }
    Ok(())
}
