//! A site: a database of its own and one or two replicas.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use crate::{
    Result,
    database::{Database, Kind},
    postgres::Postgres,
    server::{Server, Start},
    visits::REFERRAL,
};

/// What all faults of a run share.
#[derive(Debug)]
pub struct Bench {
    pub binary: PathBuf,
    /// The release before, for rolling upgrades.
    pub old_binary: Option<PathBuf>,
    /// A folder that is removed after the run.
    pub folder: PathBuf,
    pub short: bool,
    pub postgres: Option<Arc<Postgres>>,
}

/// How a site differs from the usual one.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    pub variables: Vec<(String, String)>,
    /// The soft limit of open files.
    pub files: Option<u32>,
    pub binary: Option<PathBuf>,
}

#[derive(Debug)]
pub struct Site {
    pub database: Database,
    pub replicas: Vec<Server>,
}

impl Bench {
    /// Returns an empty database.
    pub async fn database(&self, kind: Kind, name: &str) -> Result<Database> {
        match kind {
            Kind::Sqlite => {
                let folder = self.folder.join(name);
                std::fs::create_dir_all(&folder)?;
                Ok(Database::Sqlite { file: folder.join("waymark.db") })
            }
            Kind::Postgres => {
                let server = self.postgres.clone().ok_or("there is no PostgreSQL server")?;
                let all = Database::Postgres { server: server.clone(), name: "postgres".into() };
                all.execute(&format!("create database {name}")).await?;
                Ok(Database::Postgres { server, name: name.to_owned() })
            }
        }
    }

    /// Returns how to start a replica.
    pub fn start(&self, database_url: String, name: &str, setup: &Setup) -> Start {
        Start {
            binary: setup.binary.clone().unwrap_or_else(|| self.binary.clone()),
            database_url,
            log: self.folder.join(format!("{name}.log")),
            variables: setup.variables.clone(),
            files: setup.files,
        }
    }

    /// Starts replicas on a database, one after the other, and adds the referral link that browsers follow.
    pub async fn site(&self, database: Database, replicas: usize, name: &str, setup: &Setup) -> Result<Site> {
        let mut site = Site { database, replicas: Vec::new() };
        for number in 1..=replicas {
            let start = self.start(site.database.url(), &format!("{name}_{number}"), setup);
            let mut server = Server::start(start)?;
            server.wait_until_ready().await?;
            site.replicas.push(server);
        }
        site.database
            .execute(&format!(
                "insert into referral_tokens (token, created_at) values ('{REFERRAL}', 0) on conflict (token) do nothing"
            ))
            .await?;
        Ok(site)
    }
}

impl Site {
    pub fn targets(&self) -> Vec<SocketAddr> {
        self.replicas.iter().map(|replica| replica.address).collect()
    }
}
