use clap::Subcommand;
use waymark::{
    auth::{User, operator::create_admin, sign_up::SignUpRefusal},
    db::Db,
};

use super::{ask_password, unanswered};

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Create an admin, or make an existing account one. Asks for the password
    Create {
        /// The account's e-mail address
        #[arg(long)]
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// For development: if there is no admin, create one and print its password
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
    create_admin(db, email, password).await.map_err(|refusal| match refusal {
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
            println!("{email} was an admin already and has a new password now. Its sessions have ended.");
        }
        Some(_) => {
            println!("{email} had an account, and is an admin with a new password now. Its sessions have ended.")
        }
    }
    Ok(())
}

async fn ensure_dev(db: &Db) -> Result<(), String> {
    const EMAIL: &str = "admin@example.com";
    if User::any_admin(&mut db.read().await.map_err(unanswered)?).await.map_err(unanswered)? {
        println!("There is an admin already. To set a new password: waymark admin create --email E");
        return Ok(());
    }
    // 122 random bits.
    let password = uuid::Uuid::new_v4().simple().to_string();
    create_admin(db, EMAIL, password.clone())
        .await
        .map_err(|refusal| format!("The admin could not be created: {refusal}"))?;
    println!("Admin for development:  {EMAIL}  with the one-time password  {password}");
    println!("The password is shown only now. Change it at /account.");
    Ok(())
}
