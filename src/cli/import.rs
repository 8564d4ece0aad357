use std::path::PathBuf;

use clap::Subcommand;
use waymark::{
    audit::Action,
    config::Config,
    db::Db,
    import::{self, Options},
};

use super::progress::every_10_000;

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Import the leads of django-utm-tracker, from Django's SQLite database or its LeadSource table as CSV. Can be repeated
    DjangoUtmTracker {
        /// The SQLite database (`db.sqlite3`) or the CSV file. The file is only read
        file: PathBuf,
        /// A CSV file of users (id, email, date_joined), for leads that name their user by id only
        #[arg(long)]
        users: Option<PathBuf>,
        /// Leave out leads whose user has no account here. Without this, an account is created
        #[arg(long)]
        existing_users_only: bool,
        /// Write each row that is not imported to this CSV file, with the reason
        #[arg(long)]
        rejected: Option<PathBuf>,
    },
}

pub async fn run(db: &Db, config: &Config, command: ImportCommand) -> Result<(), String> {
    let ImportCommand::DjangoUtmTracker { file, users, existing_users_only, rejected } = command;
    let options = Options {
        users,
        existing_users_only,
        wait_for_confirmation: config.mail.route.is_some(),
        rejected,
        custom_tags: config.attribution.custom_tags.clone(),
    };
    let report =
        import::django_utm_tracker(db, &config.attribution.rules, &file, &options, every_10_000("leads")).await;
    let report = report.map_err(|error| error.to_string())?;
    let text = report.to_string();
    super::note(db, Action::LeadsImported, text.lines().next().unwrap_or_default()).await;
    println!("{text}");
    Ok(())
}
