use clap::Subcommand;
use waymark::{
    components::format::rfc3339,
    db::Db,
    jobs::queue::{self, Backlog},
};

use super::unanswered;

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Show how many jobs wait, and the jobs that were given up
    List,
    /// Try all jobs again that were given up. The running server does the work
    Retry,
}

pub async fn run(db: &Db, command: JobsCommand) -> Result<(), String> {
    match command {
        JobsCommand::List => list(db).await,
        JobsCommand::Retry => {
            let count = queue::retry_dead(db).await.map_err(unanswered)?;
            println!("{count} jobs are tried again.");
            Ok(())
        }
    }
}

async fn list(db: &Db) -> Result<(), String> {
    let mut conn = db.read().await.map_err(unanswered)?;
    let Backlog { waiting, late_since, dead } = queue::backlog(&mut conn, db.now()).await.map_err(unanswered)?;
    println!("{waiting} jobs wait.");
    if let Some(since) = late_since {
        println!("The oldest is due since {}.", rfc3339(since));
    }
    println!("{} jobs were given up{}", dead.len(), if dead.is_empty() { "." } else { ", the latest first:" });
    for job in dead {
        println!("  {}  {}  {} tries  {}  {}", rfc3339(job.ended_at), job.kind, job.tries, job.id, job.last_error);
    }
    Ok(())
}
