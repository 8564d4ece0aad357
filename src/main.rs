//! The command line: reads the configuration, then runs what was asked for.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use waymark::config::Config;

/// A page is made of many small strings, and glibc's allocator is slow at those.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // a file for development; what is set stands above it
    let _ = dotenvy::dotenv();
    let cli = cli::Cli::parse();
    let (config, mistakes) = Config::from_environment();
    match cli::run(cli, config, mistakes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
