use clap::Subcommand;
use waymark::{
    audit::{Action, Actor, Entry},
    components::format::{plural, rfc3339},
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
            let count = queue::retry_dead(db).await.map_err(unanswered)?.cast_signed();
            if count > 0 {
                let entry =
                    Entry::new(Action::JobsRetried, &Actor::command_line()).detail(plural(count, "job", "jobs"));
                entry.write_alone(db).await.map_err(unanswered)?;
            }
            println!("{}.", plural(count, "job is tried again", "jobs are tried again"));
            Ok(())
        }
    }
}

async fn list(db: &Db) -> Result<(), String> {
    let mut conn = db.read().await.map_err(unanswered)?;
    let Backlog { waiting, late_since, dead } = queue::backlog(&mut conn, db.now()).await.map_err(unanswered)?;
    println!("{}.", plural(waiting, "job waits", "jobs wait"));
    if let Some(since) = late_since {
        println!("The oldest is due since {}.", rfc3339(since));
    }
    let end = match dead.len() {
        0 => ".",
        1 => ":",
        _ => ", the latest first:",
    };
    println!("{}{end}", plural(dead.len() as i64, "job was given up", "jobs were given up"));
    for job in dead {
        let tries = plural(job.tries, "try", "tries");
        println!("  {}  {}  {tries}  {}  {}", rfc3339(job.ended_at), job.kind, job.id, job.last_error);
    }
    Ok(())
}
