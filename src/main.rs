//! The command line: reads the configuration, then runs what was asked for.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use waymark::config::Config;

/// A page is made of many small strings, at which glibc's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // `.env` is for development. Variables that are set already win.
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
