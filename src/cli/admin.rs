//! `waymark admin …`

use clap::Subcommand;
use waymark::{
    auth::{
        User,
        sign_up::{SignUpFailure, create_admin},
    },
    db::Db,
};

use super::ask_password;

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
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

pub async fn run(db: &Db, command: AdminCommand) -> Result<(), String> {
    match command {
        AdminCommand::Create { email, password_stdin } => create(db, &email, password_stdin).await,
        AdminCommand::EnsureDev => ensure_dev(db).await,
    }
}

async fn create(db: &Db, email: &str, password_stdin: bool) -> Result<(), String> {
    let password = ask_password(password_stdin)?;
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
