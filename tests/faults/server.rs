//! One replica: the release binary as a process of its own.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{Result, http, others::until, process::Process};

/// A server that is not ready after this time has not started.
const START: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    pub binary: PathBuf,
    pub log: PathBuf,
    pub process: Process,
    variables: Vec<(String, String)>,
    /// The soft limit of open files, if not that of the tests.
    files: Option<u32>,
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Start {
    pub binary: PathBuf,
    pub database_url: String,
    pub log: PathBuf,
    pub variables: Vec<(String, String)>,
    pub files: Option<u32>,
}

impl Server {
    /// Starts a server on a free port, without waiting for it.
    pub fn start(start: Start) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut variables = vec![
            ("DATABASE_URL".to_owned(), start.database_url),
            ("LEPTOS_SITE_ADDR".to_owned(), address.to_string()),
            // Each browser of the tests has an address of its own in X-Forwarded-For, as behind a proxy.
            ("TRUSTED_PROXIES".to_owned(), "127.0.0.1/32".to_owned()),
            // All crowds together sign up more often than a site of this size allows in an hour.
            ("SIGN_UPS_PER_HOUR".to_owned(), "unlimited".to_owned()),
            // The load balancer of these tests asks /readyz 20 times a second.
            ("SHUTDOWN_DELAY".to_owned(), "1s".to_owned()),
            ("LEPTOS_ENV".to_owned(), "PROD".to_owned()),
            ("RUST_LOG".to_owned(), std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into())),
        ];
        variables.extend(start.variables);
        let process = launch(&start.binary, &variables, start.files, &start.log)?;
        Ok(Self { address, binary: start.binary, log: start.log, process, variables, files: start.files })
    }

    /// Starts the server again, on the same address.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = launch(&self.binary, &self.variables, self.files, &self.log)?;
        Ok(())
    }

    pub async fn is_ready(&self) -> bool {
        matches!(http::get(self.address, "/readyz", &[]).await, Ok(answer) if answer.status.is_success())
    }

    pub async fn wait_until_ready(&mut self) -> Result<()> {
        if until(START, || self.is_ready()).await.is_some() {
            return Ok(());
        }
        Err(format!("the server did not start: {}", last_lines(&self.log)).into())
    }

    /// Returns how many lines the server has logged.
    pub fn log_lines(&self) -> usize {
        std::fs::read(&self.log).map(|log| log.iter().filter(|byte| **byte == b'\n').count()).unwrap_or_default()
    }
}

fn launch(binary: &Path, variables: &[(String, String)], files: Option<u32>, log: &Path) -> Result<Process> {
    let mut command = match files {
        Some(files) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", "ulimit -Sn \"$1\" && exec \"$0\" serve"]).arg(binary).arg(files.to_string());
            shell
        }
        None => {
            let mut server = Command::new(binary);
            server.arg("serve");
            server
        }
    };
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    // Not the caller's folder, whose .env would be read.
    command.current_dir(log.parent().unwrap_or(Path::new("/")));
    Process::start(&mut command, log)
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let from = text.lines().count().saturating_sub(10);
    text.lines().skip(from).collect::<Vec<_>>().join("\n")
}
