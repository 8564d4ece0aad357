//! `waymark import …`

use std::path::PathBuf;

use clap::Subcommand;
use waymark::{
    config::Config,
    db::Db,
    import::{self, Options},
};

use super::progress::every_10_000;

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// The leads of django-utm-tracker: Django's SQLite database, or its LeadSource table as CSV. Can be run again.
    DjangoUtmTracker {
        /// The SQLite database (`db.sqlite3`) or the CSV file. It is only read.
        file: PathBuf,
        /// A CSV file of users (id, email, date_joined), for leads that name their user by id only.
        #[arg(long)]
        users: Option<PathBuf>,
        /// Take no lead of somebody who has no account here, instead of creating one.
        #[arg(long)]
        existing_users_only: bool,
        /// Write every row that was not taken, with the reason, to this CSV file.
        #[arg(long)]
        rejected: Option<PathBuf>,
    },
}

pub async fn run(db: &Db, config: &Config, command: ImportCommand) -> Result<(), String> {
    let ImportCommand::DjangoUtmTracker { file, users, existing_users_only, rejected } = command;
    let options = Options { users, existing_users_only, rejected, custom_tags: config.attribution.custom_tags.clone() };
    let report =
        import::django_utm_tracker(db, &config.attribution.rules, &file, &options, every_10_000("leads")).await;
    let report = report.map_err(|error| error.to_string())?;
    println!("{report}");
    Ok(())
}
