//! The migrations of both databases make the same schema.
//!
//! The test reads each schema as a set of lines, one per table, column, constraint and index, and compares the two sets. The
//! PostgreSQL server is the one that `TEST_POSTGRES_URL` names; `bin/test` starts one.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use waymark::db::{Db, Dialect, sql, testing::TestDatabase};

/// Lines that only PostgreSQL has, whose transactions commit in another order than they change rows.
/// SQLite has no index for a key that is a row's number.
const ONLY_IN_POSTGRES: [&str; 3] = [
    "column fact_changes.transaction_id integer not null",
    "index fact_changes_transaction_id on fact_changes (transaction_id)",
    "primary key on fact_changes (number)",
];

/// Tables and views that only SQLite has, for searching users by e-mail address. The names of the tables in which SQLite keeps a
/// full-text table begin with its name.
const ONLY_TABLES_OF_SQLITE: [&str; 3] = ["user_numbers", "user_emails", "user_search"];

/// A line that only PostgreSQL has: the index for the same search. A server without pg_trgm does not have the index either.
const INDEX_OF_SEARCH: &str = "index users_email_lower_trigrams on users (email_lower)";

/// Tables and views, columns (type, nullability, default), foreign keys, and indexes with those of primary keys and unique
/// constraints. Types have SQLite's names. SQLite has no boolean type: its migrations check that such an integer is 0 or 1, so a
/// boolean of PostgreSQL counts as that constraint.
const SQLITE: &str = "
    with tables as (select name, type from sqlite_master where type in ('table', 'view') and name not like 'sqlite~_%' escape '~')
    select type || ' ' || name from tables
    union all
    select 'column ' || t.name || '.' || c.name || case t.type when 'view' then '' else
        ' ' || lower(c.type) || case when c.\"notnull\" or c.pk > 0 then ' not null' else '' end
        || coalesce(' default ' || c.dflt_value, '') end
    from tables t join pragma_table_info(t.name) c
    union all
    select 'foreign key ' || t.name || '.' || f.\"from\" || ' to ' || f.\"table\" || '.' || f.\"to\" || ' on delete ' || lower(f.on_delete)
    from tables t join pragma_foreign_key_list(t.name) f
    union all
    select case i.origin when 'pk' then 'primary key' when 'u' then 'unique' else 'index ' || i.name end
        || case when i.partial then ' partial' else '' end || ' on ' || t.name || ' ('
        || (select group_concat(name, ', ') from (select name from pragma_index_info(i.name) order by seqno)) || ')'
    from tables t join pragma_index_list(t.name) i where t.type = 'table'";

const POSTGRES: &str = "
    with tables as (
        select oid, relname as name, relkind from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'v'))
    select case relkind when 'r' then 'table ' else 'view ' end || name from tables
    union all
    select 'column ' || t.name || '.' || a.attname || case t.relkind when 'v' then '' else
        ' ' || case format_type(a.atttypid, null) when 'uuid' then 'blob' when 'bytea' then 'blob' when 'bigint' then 'integer'
            when 'boolean' then 'integer' when 'timestamp with time zone' then 'text' else format_type(a.atttypid, null) end
        || case when a.attnotnull then ' not null' else '' end
        || coalesce(' default ' || split_part(pg_get_expr(d.adbin, d.adrelid), '::', 1), '') end
    from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    union all
    select 'constraint ' || t.name || '.' || t.name || '_' || a.attname || '_boolean'
    from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    where t.relkind = 'r' and a.atttypid = 'boolean'::regtype
    union all
    select 'foreign key ' || t.name || '.' || a.attname || ' to ' || c.confrelid::regclass || '.' || b.attname || ' on delete '
        || case c.confdeltype when 'a' then 'no action' when 'c' then 'cascade' else c.confdeltype::text end
    from tables t join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        join pg_attribute b on b.attrelid = c.confrelid and b.attnum = c.confkey[1]
    union all
    select case when i.indisprimary then 'primary key' when i.indisunique then 'unique' else 'index ' || x.relname end
        || case when i.indpred is null then '' else ' partial' end || ' on ' || t.name || ' ('
        || (select string_agg(a.attname, ', ' order by k.place) from unnest(i.indkey) with ordinality k(number, place)
            join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number) || ')'
    from tables t join pg_index i on i.indrelid = t.oid join pg_class x on x.oid = i.indexrelid
    union all
    select 'constraint ' || t.name || '.' || c.conname
    from tables t join pg_constraint c on c.conrelid = t.oid and c.contype in ('c', 'f', 'p', 'u')";

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    let (sqlite, postgres) = (schema(Dialect::Sqlite).await, schema(Dialect::Postgres).await);
    assert!(
        sqlite.contains("column users.email text not null")
            && sqlite.contains("index touches_visitor on touches (visitor_id, occurred_at)"),
        "{sqlite:#?}"
    );
    let only_in_postgres: Vec<_> = postgres.difference(&sqlite).filter(|line| *line != INDEX_OF_SEARCH).collect();
    assert_eq!(only_in_postgres, ONLY_IN_POSTGRES, "only in PostgreSQL");
    let searches = |line: &String| ONLY_TABLES_OF_SQLITE.iter().any(|table| line.contains(table));
    let only_in_sqlite: Vec<_> = sqlite.difference(&postgres).filter(|line| !searches(line)).collect();
    assert_eq!(only_in_sqlite, [""; 0], "only in SQLite");
}

async fn schema(dialect: Dialect) -> BTreeSet<String> {
    let database = TestDatabase::create(dialect).await;
    let db = Db::connect(&database.url).await.expect("the new database can be opened");
    db.migrate().await.expect("the migrations run");
    let mut conn = db.read().await.expect("a connection");
    let text = if dialect == Dialect::Sqlite { SQLITE } else { POSTGRES };
    let rows: Vec<(String,)> = sql(text).fetch_all(&mut conn).await.expect("the catalogue");
    let mut lines: BTreeSet<String> = rows.into_iter().map(|(line,)| line).collect();
    if dialect == Dialect::Sqlite {
        let tables: Vec<(String, String)> =
            sql("select name, sql from sqlite_master where type = 'table' and name not like 'sqlite~_%' escape '~'")
                .fetch_all(&mut conn)
                .await
                .expect("the tables");
        for (table, sql) in tables {
            lines.extend(constraints(&table, &sql));
        }
    }
    drop(conn);
    db.close().await;
    database.remove().await;
    // sqlx's own table
    lines.retain(|line| !line.contains("_sqlx_migrations"));
    lines
}

/// Returns the constraints in a SQLite table's statement, which alone has their names. A primary key without a name gets the name
/// that PostgreSQL gives it.
fn constraints(table: &str, sql: &str) -> impl Iterator<Item = String> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let mut names: Vec<String> =
        words.windows(2).filter(|pair| pair[0] == "constraint").map(|pair| pair[1].to_owned()).collect();
    names.push(format!("{table}_pkey"));
    names.into_iter().map(move |name| format!("constraint {table}.{name}"))
}
