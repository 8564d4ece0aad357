//! The command line: reads the configuration, then runs what was asked for.

mod cli;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use waymark::config::{self, Config};

/// A page is made of many small strings, at which glibc's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long tasks that block a thread may still take when all is done.
const LAST_TASKS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    waymark::allocator::return_large_blocks();
    // `.env` is for development. Variables that are set already win. On a server, a file that happens to lie in the working
    // directory must not change how the server runs.
    if config::runs_in_development() {
        let _ = dotenvy::dotenv();
    }
    let cli = cli::Cli::parse();
    let (config, mistakes) = Config::from_environment();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("Waymark cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(cli::run(cli, config, mistakes));
    // Dropping the runtime would wait for as long as such a task takes.
    runtime.shutdown_timeout(LAST_TASKS);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
