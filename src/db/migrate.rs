//! Schema migrations: `migrations/sqlite` and `migrations/postgres`, built into the binary.

use std::time::Duration;

use super::{Error, Pools};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

pub(super) async fn run(pools: &Pools) -> Result<(), Error> {
    match pools {
        // takes no lock: of two that start at once one finds tables that it was about to make, and looks again
        Pools::Sqlite { write, .. } => {
            let mut tries = 0;
            while let Err(error) = SQLITE.run(write).await {
                tries += 1;
                if tries == 5 {
                    return Err(error.into());
                }
                tokio::time::sleep(Duration::from_millis(100 * tries)).await;
            }
        }
        // takes an advisory lock, so that of two replicas one waits for the other
        Pools::Postgres(pool) => POSTGRES.run(pool).await?,
    }
    Ok(())
}
