//! The projects of a user, in the export and in the erasure.

use serde::Serialize;
use sqlx::FromRow;

use super::exported_time::ExportedTime;
use crate::{
    db::{Conn, Error, sql},
    id::{ProjectId, UserId},
};

#[derive(Clone, Debug, FromRow, Serialize)]
pub struct ExportedProject {
    pub id: ProjectId,
    pub name: String,
    pub note: String,
    pub created_at: ExportedTime,
}

pub(super) async fn export(conn: &mut Conn, user: UserId) -> Result<Vec<ExportedProject>, Error> {
    let projects = sql("select id, name, note, created_at from projects where user_id = $1 order by id");
    projects.bind(user).fetch_all(conn).await
}

/// Deletes the projects of a user who is erased. `projects::store::create` locks the user first, so it adds none afterwards.
pub(super) async fn erase(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    sql("delete from projects where user_id = $1").bind(user).execute(conn).await.map(|_| ())
}

#[cfg(test)]
pub(super) async fn add_sample(db: &crate::db::Db, user: UserId, name: &str) {
    let add = sql(
        "insert into projects (id, user_id, name, note, created_at) values ($1, $2, $3, 'of my own', 1793534400009)",
    );
    let add = add.bind(ProjectId::new()).bind(user).bind(name.to_owned());
    db.transaction(|conn| Box::pin(add.execute(conn))).await.expect("added");
}
