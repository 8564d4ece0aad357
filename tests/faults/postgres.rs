//! A PostgreSQL server of the tests' own, which faults may stop, kill and restart.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    process::{run, signal},
};

#[derive(Debug)]
pub struct Postgres {
    pub port: u16,
    folder: PathBuf,
    binaries: PathBuf,
    /// The user that runs the server, if the tests run as root. initdb refuses to run as root.
    user: Option<String>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A stopped process cannot end.
        let _ = self.signal_all("CONT");
        let _ = self.control(&["-m", "immediate", "stop"]);
    }
}

impl Postgres {
    /// Makes a server in a folder and starts it. `bin/faults` finds the programs and names them in `FAULTS_POSTGRES_BIN`.
    ///
    /// The server runs without fsync. A process that ends leaves its writes with the system, so only a power cut could lose them.
    pub fn start(folder: &Path) -> Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let binaries = variable("FAULTS_POSTGRES_BIN").ok_or("FAULTS_POSTGRES_BIN is not set: run bin/faults")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server =
            Self { port, folder: folder.to_owned(), binaries: binaries.into(), user: variable("FAULTS_POSTGRES_USER") };
        std::fs::create_dir_all(folder)?;
        if let Some(user) = &server.user {
            run(Command::new("chown").arg(user).arg(folder))?;
        }
        let data = server.data();
        run(server
            .program("initdb")
            .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(data))?;
        server.start_again()?;
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn start_again(&self) -> Result<()> {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300 \
             -c max_wal_size=64MB -c min_wal_size=32MB",
            self.port
        );
        self.control(&["-t", "60", "-w", "-o", &options, "start"])
    }

    /// Stops the server as an operator does: connections are ended at once, and everything is written.
    pub fn stop(&self) -> Result<()> {
        self.control(&["-m", "fast", "-t", "60", "-w", "stop"])
    }

    fn control(&self, arguments: &[&str]) -> Result<()> {
        let data = self.data();
        run(self.program("pg_ctl").arg("-D").arg(&data).arg("-l").arg(data.join("server.log")).args(arguments))
            .map(drop)
    }

    fn program(&self, name: &str) -> Command {
        let program = self.binaries.join(name);
        let mut command = match &self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        // The server must not read the caller's PGPORT and so on, and its user may not enter the caller's folder.
        for name in
            ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATA", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGOPTIONS"]
        {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").current_dir("/");
        command
    }

    /// Returns the process that accepts connections.
    fn postmaster(&self) -> Result<u32> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        Ok(text.lines().next().unwrap_or_default().trim().parse()?)
    }

    /// Sends a signal to the server's first process and to all its children.
    pub fn signal_all(&self, name: &str) -> Result<()> {
        let postmaster = self.postmaster()?;
        let children = run(Command::new("pgrep").arg("-P").arg(postmaster.to_string()))?;
        signal(postmaster, name)?;
        for child in children.split_whitespace() {
            // A child may end by itself meanwhile.
            let _ = signal(child.parse()?, name);
        }
        Ok(())
    }
}
