use waymark::{
    db::Db,
    demo::{self, Demo, DemoError},
};

use super::progress::every_10_000;

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// How many users sign up
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,
    /// How many days the data goes back
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// The same seed makes the same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Add sample data even if there is real data
    #[arg(long)]
    mix: bool,
    /// Replace the sample data that is there
    #[arg(long)]
    replace: bool,
    /// Remove the sample data, and nothing else
    #[arg(long, conflicts_with_all = ["mix", "replace"])]
    remove: bool,
}

pub async fn run(db: &Db, args: DemoArgs) -> Result<(), String> {
    let done = if args.remove {
        demo::remove(db).await.map(|summary| ("Removed", summary)).map_err(DemoError::from)
    } else {
        let demo = Demo { users: args.users, days: args.days, seed: args.seed, mix: args.mix, replace: args.replace };
        demo::fill(db, &demo, every_10_000("visitors")).await.map(|summary| ("Added", summary))
    };
    let (what, summary) = done.map_err(|error| error.to_string())?;
    println!("{what} sample data: {summary}.");
    Ok(())
}
