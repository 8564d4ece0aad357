//! Serves the pages without sessions, authentication and attribution. `bin/bench` compares the whole application with this server.

use waymark::{
    config::Config,
    server::{
        connections::{self, Limits},
        health::Stopping,
        router, run,
    },
};

// The same allocator as in the server, so that only the layers differ.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    waymark::allocator::return_large_blocks();
    let (config, mistakes) = Config::read(|name| std::env::var(name).ok());
    let (listener, db) = match run::prepare(&config, mistakes).await {
        Ok(ready) => ready,
        Err(mistakes) => {
            mistakes.iter().for_each(|mistake| eprintln!("{mistake}"));
            std::process::exit(1);
        }
    };
    let router = router::router_without_sessions(run::state(config, db), Stopping::default());
    connections::serve(listener, router, Limits::default(), async { drop(tokio::signal::ctrl_c().await) }).await;
}
