//! `waymark user …`

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;
use waymark::{
    auth::{
        User,
        sign_up::{SignUpRefusal, set_password},
    },
    db::Db,
    privacy::{erase, export, file_wipe},
};

use super::{ask_password, unanswered, write_private};

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Write all that is kept of a user, as JSON.
    Export {
        /// The e-mail address of the account.
        #[arg(long)]
        email: String,
        /// Where to. Without it, on standard output.
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Erase a user: who they were is gone for good, the totals stay.
    Erase {
        /// The e-mail address of the account.
        #[arg(long)]
        email: String,
        /// Do it. Nothing brings the user back.
        #[arg(long)]
        yes: bool,
    },
    /// Give an account a password, and end its sessions. Accounts that were imported have none.
    SetPassword {
        /// The e-mail address of the account.
        #[arg(long)]
        email: String,
        /// Read the password from standard input: its first line.
        #[arg(long)]
        password_stdin: bool,
    },
}

pub async fn run(db: &Db, command: UserCommand) -> Result<(), String> {
    match command {
        UserCommand::Export { email, output } => {
            let user = find(db, &email).await?;
            let mut conn = db.read().await.map_err(unanswered)?;
            let document = export::export(&mut conn, &user, db.now()).await.map_err(unanswered)?;
            let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
            match output {
                Some(file) => {
                    write_private(&file, &text)?;
                    println!("All that is kept of {email} is in {}.", file.display());
                }
                None => println!("{text}"),
            }
            Ok(())
        }
        UserCommand::Erase { email, yes } => {
            let user = find(db, &email).await?;
            if !yes {
                return Err("This cannot be undone. Say --yes to do it.".into());
            }
            erase::erase(db, user.id).await.map_err(|error| error.to_string())?;
            match file_wipe::clear(db, Duration::from_secs(60)).await {
                Ok(true) => println!("Erased, in the database's files too."),
                Ok(false) | Err(_) => {
                    println!("The rows are erased. The database's files will be cleaned by the running server.");
                }
            }
            Ok(())
        }
        UserCommand::SetPassword { email, password_stdin } => {
            find(db, &email).await?;
            let password = ask_password(password_stdin)?;
            set_password(db, &email, password).await.map_err(|failure| match failure {
                SignUpRefusal::Invalid { email, password } => {
                    email.or(password).unwrap_or("It is not accepted.").to_owned()
                }
                other => format!("The password could not be set: {other}"),
            })?;
            println!("{email} can sign in with it.");
            Ok(())
        }
    }
}

async fn find(db: &Db, email: &str) -> Result<User, String> {
    let mut conn = db.read().await.map_err(unanswered)?;
    let user = User::find_by_email(&mut conn, email).await.map_err(unanswered)?;
    user.ok_or_else(|| "There is no user with this address.".into())
}
