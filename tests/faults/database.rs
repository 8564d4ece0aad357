//! The tests' own look into the database. It uses nothing of the code that is tested.

use std::{path::PathBuf, sync::Arc};

use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::{Result, ledger::StoredTouch, postgres::Postgres};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A database of one fault.
#[derive(Clone, Debug)]
pub enum Database {
    Sqlite { file: PathBuf },
    Postgres { server: Arc<Postgres>, name: String },
}

const TOUCHES: &str = "select coalesce(t.content, ''), u.email_lower from touches t
    join visitors v on v.id = t.visitor_id left join users u on u.id = v.user_id
    where t.campaign = 'load'";

impl Database {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite { .. } => Kind::Sqlite,
            Self::Postgres { .. } => Kind::Postgres,
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite { file } => format!("sqlite://{}", file.display()),
            Self::Postgres { server, name } => server.url(name),
        }
    }

    /// Returns all touches of the load.
    pub async fn touches(&self) -> Result<Vec<StoredTouch>> {
        self.pairs(TOUCHES).await
    }

    /// Runs a query with two columns of text.
    pub async fn pairs(&self, query: &str) -> Result<Vec<(String, Option<String>)>> {
        Ok(match self {
            Self::Sqlite { .. } => sqlx::query_as(query).fetch_all(&mut self.sqlite().await?).await?,
            Self::Postgres { .. } => sqlx::query_as(query).fetch_all(&mut self.postgres().await?).await?,
        })
    }

    pub async fn execute(&self, statement: &str) -> Result<()> {
        match self {
            Self::Sqlite { .. } => {
                sqlx::raw_sql(statement).execute(&mut self.sqlite().await?).await?;
            }
            Self::Postgres { .. } => {
                sqlx::raw_sql(statement).execute(&mut self.postgres().await?).await?;
            }
        }
        Ok(())
    }

    /// Returns the id and the record of every session.
    pub async fn sessions(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let query = "select id, data from tower_sessions where user_id is not null";
        Ok(match self {
            Self::Sqlite { .. } => sqlx::query_as(query).fetch_all(&mut self.sqlite().await?).await?,
            Self::Postgres { .. } => sqlx::query_as(query).fetch_all(&mut self.postgres().await?).await?,
        })
    }

    pub async fn set_session(&self, id: &str, record: &[u8]) -> Result<()> {
        let statement = "update tower_sessions set data = $2 where id = $1";
        match self {
            Self::Sqlite { .. } => {
                sqlx::query(statement).bind(id).bind(record).execute(&mut self.sqlite().await?).await?;
            }
            Self::Postgres { .. } => {
                sqlx::query(statement).bind(id).bind(record).execute(&mut self.postgres().await?).await?;
            }
        }
        Ok(())
    }

    pub async fn sqlite(&self) -> Result<SqliteConnection> {
        Ok(SqliteConnection::connect(&self.url()).await?)
    }

    pub async fn postgres(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url()).await?)
    }

    /// Returns what is wrong with the database itself: a damaged file, or connections that wait inside a transaction.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let query = match self {
            Self::Sqlite { .. } => {
                "select integrity_check, null from pragma_integrity_check where integrity_check <> 'ok'"
            }
            Self::Postgres { .. } => {
                "select 'idle in transaction since ' || state_change || ': ' || left(query, 80), null
                from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'
                and state_change < now() - interval '2 seconds'"
            }
        };
        Ok(self.pairs(query).await?.into_iter().map(|(complaint, _)| complaint).collect())
    }
}
