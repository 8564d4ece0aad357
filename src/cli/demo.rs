use waymark::{
    audit::Action,
    db::Db,
    demo::{self, Demo, DemoError, LargeDemo},
};

use super::progress::{every_10_000, with_rate};

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// How many users sign up
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,
    /// Make this many touches instead, with the variety of a large site, up to yesterday: for measuring
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000), conflicts_with_all = ["users", "remove"])]
    touches: Option<u64>,
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
    let args_remove = args.remove;
    let done = if args.remove {
        demo::remove(db).await.map(|summary| ("Removed", summary)).map_err(DemoError::from)
    } else if let Some(touches) = args.touches {
        let DemoArgs { days, seed, mix, replace, .. } = args;
        let demo = LargeDemo { touches, days, seed, mix, replace };
        let mut print = with_rate("touches");
        let progress = |at: demo::LargeProgress| print(at.touches, touches, at.rows);
        demo::fill_large(db, demo, progress).await.map(|summary| ("Added", summary))
    } else {
        let demo = Demo { users: args.users, days: args.days, seed: args.seed, mix: args.mix, replace: args.replace };
        demo::fill(db, &demo, every_10_000("visitors")).await.map(|summary| ("Added", summary))
    };
    let (what, summary) = done.map_err(|error| error.to_string())?;
    let action = if args_remove { Action::SampleDataRemoved } else { Action::SampleDataAdded };
    super::note(db, action, &summary.to_string()).await;
    println!("{what} sample data: {summary}.");
    Ok(())
}
