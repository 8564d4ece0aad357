use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    str::FromStr,
};

use percent_encoding::percent_decode_str;
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{
    ENDED, Manifest,
    archive::{spawn, wait},
    manifest::Contents,
};

/// The tables of a database, each as PostgreSQL's SQL writes its name. Those of an extension come back with the extension.
const TABLES: &str = "
    select quote_ident(namespace.nspname) || '.' || quote_ident(class.relname)
    from pg_class class join pg_namespace namespace on namespace.oid = class.relnamespace
    where class.relkind = 'r' and class.relpersistence <> 't'
      and namespace.nspname <> 'information_schema' and namespace.nspname not like 'pg\\_%'
      and not exists (select from pg_depend where objid = class.oid and classid = 'pg_class'::regclass and deptype = 'e')";

/// Writes what `pg_dump` makes of the database as it is at one moment.
pub(super) async fn copy(url: &str, copy: &Path) -> Result<Contents, String> {
    let options = options(url)?;
    let version = tool_version("pg_dump")?;
    let mut database = connect(&options).await?;
    let server = server_version(&mut database).await?;
    if version < server {
        return Err(too_old("pg_dump", version, server));
    }
    // `pg_dump` and the counting see the same moment.
    let mut moment =
        database.begin_with("begin isolation level repeatable read, read only").await.map_err(unanswered)?;
    let snapshot: String =
        sqlx::query_scalar("select pg_export_snapshot()").fetch_one(&mut *moment).await.map_err(unanswered)?;
    let mut dump = tool("pg_dump", &options);
    // The archive is compressed as a whole.
    dump.args(["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--file"]).arg(copy);
    dump.arg(format!("--snapshot={snapshot}"));
    let dumping = spawn(dump)?;
    let rows = count(&mut moment).await;
    wait(dumping)?;
    Ok(Contents { pg_dump: Some(version), rows: rows? })
}

/// Errors: the database has tables.
pub(super) async fn must_be_empty(url: &str) -> Result<(), String> {
    let mut database = connect(&options(url)?).await?;
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut database).await.map_err(unanswered)?;
    match tables.first() {
        Some(first) => {
            Err(format!("The database is not empty: it has the table {first}. Create a new database to restore into."))
        }
        None => Ok(()),
    }
}

/// Fills the database in one transaction.
pub(super) async fn restore(copy: &Path, url: &str, manifest: &Manifest) -> Result<(), String> {
    let options = options(url)?;
    let version = tool_version("pg_restore")?;
    if let Some(made_by) = manifest.pg_dump.filter(|made_by| version < *made_by) {
        return Err(too_old("pg_restore", version, made_by));
    }
    let mut restore = tool("pg_restore", &options);
    // A comment on an extension can only be set by its owner, who may be the superuser.
    restore
        .args(["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--no-comments"])
        .arg(copy);
    wait(spawn(restore)?)?;
    let mut database = connect(&options).await?;
    let rows = count(&mut database).await?;
    manifest.must_have(&rows)?;
    // These names are quoted by the database.
    for table in rows.keys().filter(|name| name.rsplit('.').next().is_some_and(|name| ENDED.contains(&name))) {
        sqlx::query(&format!("delete from {table}")).execute(&mut database).await.map_err(unanswered)?;
    }
    Ok(())
}

async fn count(database: &mut PgConnection) -> Result<BTreeMap<String, u64>, String> {
    let names: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(&mut *database).await.map_err(unanswered)?;
    let mut rows = BTreeMap::new();
    for name in names {
        let count: i64 = sqlx::query_scalar(&format!("select count(*) from {name}"))
            .fetch_one(&mut *database)
            .await
            .map_err(unanswered)?;
        rows.insert(name, count.unsigned_abs());
    }
    Ok(rows)
}

fn options(url: &str) -> Result<PgConnectOptions, String> {
    // The error may repeat the address, which has the password.
    PgConnectOptions::from_str(url).map_err(|_| "DATABASE_URL is no valid address.".to_owned())
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, String> {
    // A dump of a large database takes long, and this connection keeps its moment meanwhile.
    let patient = [("idle_in_transaction_session_timeout", "0"), ("statement_timeout", "0")];
    PgConnection::connect_with(&options.clone().options(patient)).await.map_err(unanswered)
}

/// Returns a command of a program of PostgreSQL, for the database of `options`.
fn tool(name: &str, options: &PgConnectOptions) -> Command {
    let mut command = Command::new(name);
    let host =
        options.get_socket().map_or_else(|| options.get_host().to_owned(), |folder| folder.display().to_string());
    command.args(["--no-password", "--host", &host, "--port", &options.get_port().to_string()]);
    command.args(["--username", options.get_username()]);
    command.arg("--dbname").arg(options.get_database().unwrap_or(options.get_username()));
    // Other users of the machine see arguments, and not the environment.
    if let Some(password) = options.to_url_lossy().password() {
        command.env("PGPASSWORD", percent_decode_str(password).decode_utf8_lossy().as_ref());
    }
    command.env(
        "PGSSLMODE",
        match options.get_ssl_mode() {
            PgSslMode::Disable => "disable",
            PgSslMode::Allow => "allow",
            PgSslMode::Prefer => "prefer",
            PgSslMode::Require => "require",
            PgSslMode::VerifyCa => "verify-ca",
            PgSslMode::VerifyFull => "verify-full",
        },
    );
    command
}

/// Returns the main version of a program of PostgreSQL: `pg_dump (PostgreSQL) 15.14` → 15.
fn tool_version(name: &str) -> Result<u32, String> {
    let mut command = Command::new(name);
    command.arg("--version").stdout(Stdio::piped());
    let output = spawn(command)?.wait_with_output().map_err(|error| format!("{name} cannot be started: {error}."))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number =
        text.split_once("PostgreSQL) ").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect());
    number
        .and_then(|number: String| number.parse().ok())
        .ok_or_else(|| format!("{name} does not tell its version: {}.", text.trim()))
}

async fn server_version(database: &mut PgConnection) -> Result<u32, String> {
    let number: String = sqlx::query_scalar("show server_version_num").fetch_one(database).await.map_err(unanswered)?;
    number.parse::<u32>().map(|number| number / 10_000).map_err(|_| "The server does not tell its version.".to_owned())
}

fn too_old(program: &str, found: u32, needed: u32) -> String {
    format!(
        "{program} is of PostgreSQL {found}, and PostgreSQL {needed} needs one that is no older. Install its client programs."
    )
}

fn unanswered(error: sqlx::Error) -> String {
    format!("The database does not answer: {error}.")
}
