//! Schema migrations: `migrations/sqlite` and `migrations/postgres`, built into the binary.

use super::{Error, Pools};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

pub(super) async fn run(pools: &Pools) -> Result<(), Error> {
    match pools {
        Pools::Sqlite { write, .. } => SQLITE.run(write).await?,
        // takes an advisory lock, so that of two replicas one waits for the other
        Pools::Postgres(pool) => POSTGRES.run(pool).await?,
    }
    Ok(())
}
