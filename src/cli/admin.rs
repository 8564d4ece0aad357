//! `waymark admin …`

use clap::Subcommand;
use waymark::{
    auth::{
        User,
        sign_up::{SignUpRefusal, create_admin},
    },
    db::Db,
};

use super::{ask_password, unanswered};

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Create an admin, or make an account one. Asks for the password.
    Create {
        /// The e-mail address of the account.
        #[arg(long)]
        email: String,
        /// Read the password from standard input: its first line.
        #[arg(long)]
        password_stdin: bool,
    },
    /// For development: where there is no admin yet, create one and print its one-time password.
    EnsureDev,
}

pub async fn run(db: &Db, command: AdminCommand) -> Result<(), String> {
    match command {
        AdminCommand::Create { email, password_stdin } => create(db, &email, password_stdin).await,
        AdminCommand::EnsureDev => ensure_dev(db).await,
    }
}

async fn create(db: &Db, email: &str, password_stdin: bool) -> Result<(), String> {
    let existing = {
        let mut conn = db.read().await.map_err(unanswered)?;
        User::find_by_email(&mut conn, email).await.map_err(unanswered)?
    };
    let password = ask_password(password_stdin)?;
    create_admin(db, email, password).await.map_err(|failure| match failure {
        SignUpRefusal::Invalid { email, password } => {
            [email.map(|why| format!("E-mail: {why}")), password.map(|why| format!("Password: {why}"))]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("\n")
        }
        other => format!("The admin could not be created: {other}"),
    })?;
    match existing {
        None => println!("{email} can sign in and open /admin."),
        Some(user) if user.is_admin() => {
            println!("{email} was an admin already and has a new password. Its sessions have ended.");
        }
        Some(_) => {
            println!("{email} had an account. It is an admin now and has a new password; its sessions have ended.")
        }
    }
    Ok(())
}

async fn ensure_dev(db: &Db) -> Result<(), String> {
    const EMAIL: &str = "admin@example.com";
    if User::any_admin(&mut db.read().await.map_err(unanswered)?).await.map_err(unanswered)? {
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
