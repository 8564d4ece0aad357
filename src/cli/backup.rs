use std::path::PathBuf;

use clap::Args;
use waymark::{
    backup::{self, Keys},
    config::Config,
};

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write. It must not exist
    file: PathBuf,
    /// Encrypt to these public keys of the program age, separated by commas. Default: not encrypted
    #[arg(long, env = "BACKUP_KEY", value_delimiter = ',', value_name = "KEY")]
    key: Vec<String>,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup to read
    file: PathBuf,
    /// The file with the private key of the program age, for an encrypted backup
    #[arg(long, env = "BACKUP_IDENTITY", value_name = "FILE")]
    identity: Option<PathBuf>,
}

pub async fn back_up(config: &Config, args: BackupArgs) -> Result<(), String> {
    let recipients: Vec<String> = args.key.into_iter().filter(|key| !key.is_empty()).collect();
    let encrypted = if recipients.is_empty() { "not encrypted" } else { "encrypted" };
    let keys = Keys { recipients, identity: None };
    let manifest = backup::back_up(&config.database_url, &args.file, &keys).await?;
    println!(
        "{} has {} rows in {} tables, and is {encrypted}.",
        args.file.display(),
        manifest.all_rows(),
        manifest.rows.len()
    );
    Ok(())
}

pub async fn restore(config: &Config, args: RestoreArgs) -> Result<(), String> {
    let keys = Keys { recipients: Vec::new(), identity: args.identity };
    let manifest = backup::restore(&config.database_url, &args.file, &keys).await?;
    println!(
        "The database has all {} rows of the backup of {}. Nobody is signed in. People who were erased since then are back: erase them again.",
        manifest.all_rows(),
        manifest.made_at.parse::<jiff::Timestamp>().map_or("an unknown time".to_owned(), |at| at.to_string())
    );
    Ok(())
}
