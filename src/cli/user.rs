use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Subcommand;
use waymark::{
    audit::Actor,
    auth::{User, manage::ManageError, operator, second_factor, sign_up::SignUpRefusal},
    db::Db,
    privacy::{erase, export, file_wipe},
};

use super::{ask_password, progress, unanswered, write_private};

/// How long the command waits while another process works on erasures or cleans the files.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Write everything that is stored about a user, as JSON
    Export {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
        /// The file to write. Without it, the JSON goes to standard output
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Erase a user: remove everything that identifies the user, and keep the totals
    Erase {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
        /// Confirm: this cannot be undone
        #[arg(long)]
        yes: bool,
    },
    /// Disable an account and end its sessions. Nothing is removed
    Disable {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
    },
    /// Enable an account that was disabled
    Enable {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
    },
    /// Take the second factor from an account whose device is lost, and end its sessions. First make sure who asks
    ResetSecondFactor {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
    },
    /// Set an account's password, end its sessions and its waits. Imported accounts have no password yet
    SetPassword {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

pub async fn run(db: &Db, command: UserCommand) -> Result<(), String> {
    match command {
        UserCommand::Export { email, output } => export_user(db, &email, output.as_deref()).await,
        UserCommand::Erase { email, yes } => erase_user(db, &email, yes).await,
        UserCommand::Disable { email } => set_disabled(db, &email, true).await,
        UserCommand::Enable { email } => set_disabled(db, &email, false).await,
        UserCommand::ResetSecondFactor { email } => reset_second_factor(db, &email).await,
        UserCommand::SetPassword { email, password_stdin } => set_password(db, &email, password_stdin).await,
    }
}

async fn export_user(db: &Db, email: &str, output: Option<&Path>) -> Result<(), String> {
    let user = find(db, email).await?;
    let mut conn = db.read().await.map_err(unanswered)?;
    let document = export::export(&mut conn, &user, db.now()).await.map_err(unanswered)?;
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    match output {
        Some(file) => {
            write_private(file, &text)?;
            println!("Everything that is stored about {email} is in {}.", file.display());
        }
        None => println!("{text}"),
    }
    Ok(())
}

async fn erase_user(db: &Db, email: &str, confirmed: bool) -> Result<(), String> {
    let user = find(db, email).await?;
    if !confirmed {
        return Err("This cannot be undone. Add --yes to erase the user.".into());
    }
    let progress = progress::every_10_000("touches");
    let done = erase::erase(db, user.id, &Actor::command_line(), PATIENCE, |looked_at| progress(looked_at, 0)).await;
    if !done.map_err(|error| error.to_string())? {
        println!("The account is closed. The running server erases the rest.");
        return Ok(());
    }
    match file_wipe::clear(db, PATIENCE).await {
        Ok(true) => println!("The user is erased, also from the database's files."),
        Ok(false) | Err(_) => {
            println!("The user's rows are erased. The running server will clean the database's files.");
        }
    }
    Ok(())
}

async fn set_password(db: &Db, email: &str, from_stdin: bool) -> Result<(), String> {
    find(db, email).await?;
    let password = ask_password(from_stdin)?;
    operator::set_password(db, email, password).await.map_err(|refusal| match refusal {
        SignUpRefusal::Invalid { email, password } => {
            email.or(password).unwrap_or("The password is not accepted.").to_owned()
        }
        other => format!("The password could not be set: {other}"),
    })?;
    println!("The new password of {email} is set. All sessions of the account have ended.");
    Ok(())
}

async fn reset_second_factor(db: &Db, email: &str) -> Result<(), String> {
    let user = find(db, email).await?;
    match second_factor::reset(db, user.id, &user.email).await.map_err(unanswered)? {
        true => println!("{email} signs in with the password alone now. All sessions of the account have ended."),
        false => println!("{email} has no second factor. Nothing was changed."),
    }
    Ok(())
}

async fn set_disabled(db: &Db, email: &str, disabled: bool) -> Result<(), String> {
    let found = operator::set_disabled(db, email, disabled).await.map_err(|error| match error {
        ManageError::Database(error) => unanswered(error),
        refusal => refusal.to_string(),
    })?;
    if !found {
        return Err("There is no user with this address.".into());
    }
    match disabled {
        true => println!("{email} cannot sign in any more. All sessions of the account have ended."),
        false => println!("{email} can sign in again."),
    }
    Ok(())
}

async fn find(db: &Db, email: &str) -> Result<User, String> {
    let mut conn = db.read().await.map_err(unanswered)?;
    let user = User::find_by_email(&mut conn, email).await.map_err(unanswered)?;
    user.ok_or_else(|| "There is no user with this address.".into())
}
