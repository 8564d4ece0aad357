use super::{Conn, Dialect, Error, Value, query, values_list};

/// A table for [`Insert`]: its name, and its columns in the order of an insert's values.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

/// One row to add to one table.
#[derive(Clone, Debug)]
pub struct Insert {
    pub table: &'static Table,
    pub values: Vec<Value>,
}

impl Insert {
    /// Adds this row in a transaction.
    pub async fn execute(self, conn: &mut Conn) -> Result<(), Error> {
        run(conn, &[&self]).await
    }

    /// Adds rows in a transaction. Callers list a row before the rows that refer to it.
    pub async fn execute_all(rows: &[Self], conn: &mut Conn) -> Result<(), Error> {
        run(conn, &rows.iter().collect::<Vec<_>>()).await
    }

    /// Adds rows in a transaction and returns how many were added. Rows that a unique constraint refuses are left out.
    ///
    /// Callers that may add the same rows at the same time must sort the rows in the same order. Otherwise two transactions on
    /// PostgreSQL can each wait for a row of the other.
    pub async fn execute_missing(rows: Vec<Self>, conn: &mut Conn) -> Result<u64, Error> {
        let dialect = conn.dialect();
        let mut added = 0;
        let mut rows = rows.into_iter().peekable();
        while let Some(table) = rows.peek().map(|row| row.table) {
            let mut of_table = Vec::new();
            while let Some(row) = rows.next_if(|row| std::ptr::eq(row.table, table)) {
                of_table.push(row.values);
            }
            while !of_table.is_empty() {
                let size = CHUNKS.into_iter().find(|size| *size <= of_table.len()).unwrap_or(1);
                let text = format!("{} on conflict do nothing", table.statement(size, dialect));
                let values = of_table.drain(..size).flatten();
                added += query::sql(text).bind_all(values).execute(conn).await?;
            }
        }
        Ok(added)
    }
}

/// How many rows one statement adds. Groups are small most of the time, and up to sixteen rows take one statement. More rows take
/// few statements, and each connection prepares few different statements.
const CHUNKS: [usize; 18] = [64, 32, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

impl Table {
    fn statement(&self, rows: usize, dialect: Dialect) -> String {
        let values = values_list(dialect, rows, self.columns.len());
        format!("insert into {} ({}) values {values}", self.name, self.columns.join(", "))
    }
}

/// Returns the rows by table, in the order in which each table first appears.
pub(super) fn by_table<'r>(rows: &[&'r Insert]) -> Vec<(&'static Table, Vec<&'r [Value]>)> {
    let mut tables: Vec<(&'static Table, Vec<&[Value]>)> = Vec::new();
    for row in rows {
        match tables.iter_mut().find(|(table, _)| std::ptr::eq(*table, row.table)) {
            Some((_, values)) => values.push(&row.values),
            None => tables.push((row.table, vec![&row.values])),
        }
    }
    tables
}

/// Adds rows, which may belong to several tables, in the order in which each table first appears. Callers list a row before the
/// rows that refer to it.
pub(super) async fn run(conn: &mut Conn, rows: &[&Insert]) -> Result<(), Error> {
    let dialect = conn.dialect();
    let tables = by_table(rows);
    if tables.is_empty() {
        return Ok(());
    }
    // SQLite takes several statements in one text. Its connection works in a thread of its own, so each text costs two wake-ups.
    if dialect == Dialect::Sqlite && tables.iter().all(|(_, rows)| CHUNKS.contains(&rows.len())) {
        let text: Vec<String> = tables.iter().map(|(table, rows)| table.statement(rows.len(), dialect)).collect();
        let rows: Vec<&[Value]> = tables.into_iter().flat_map(|(_, rows)| rows).collect();
        return query::execute(&text.join("; "), &rows, conn).await;
    }
    for (table, rows) in tables {
        let mut rows = rows.as_slice();
        while !rows.is_empty() {
            let size = CHUNKS.into_iter().find(|size| *size <= rows.len()).unwrap_or(1);
            let (chunk, rest) = rows.split_at(size);
            query::execute(&table.statement(size, dialect), chunk, conn).await?;
            rows = rest;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_numbers_its_placeholders_across_rows() {
        let table = Table { name: "t", columns: &["a", "b"] };
        let of = |dialect| table.statement(2, dialect);
        assert_eq!(of(Dialect::Postgres), "insert into t (a, b) values ($1, $2), ($3, $4)");
        assert_eq!(of(Dialect::Sqlite), "insert into t (a, b) values (?, ?), (?, ?)");
    }
}
