use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    attribution::conversion::{Draft, NewConversion, RecordError, record_conversion},
    db::{Db, Error, sql},
    id::{ProjectId, UserId},
    timestamp::Timestamp,
    user_lock::lock_active,
};

/// The longest name and the longest note, in characters.
pub const NAME_LENGTH: u32 = 80;
pub const NOTE_LENGTH: u32 = 500;
/// How many projects a user may have.
pub const MOST: u32 = 1_000;
/// How many projects a page of the list shows.
const PAGE: u32 = 20;

/// A row of the table `projects`.
#[derive(Clone, Debug, FromRow)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub note: String,
    pub created_at: Timestamp,
}

/// Why a project was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// What is wrong with a field, in a sentence for the user.
    #[error("{0}: {1}")]
    Field(&'static str, String),
    #[error(transparent)]
    Conversion(#[from] RecordError),
    #[error(transparent)]
    Db(#[from] Error),
}

/// Returns a page of a user's projects, newest first: those older than `before`; and where the next page begins. Ids sort by time.
pub async fn list(
    db: &Db,
    user: UserId,
    before: Option<ProjectId>,
) -> Result<(Vec<Project>, Option<ProjectId>), Error> {
    let mut projects: Vec<Project> =
        sql("select id, name, note, created_at from projects where user_id = $1 and id < $2 order by id desc limit $3")
            .bind(user)
            .bind(before.unwrap_or(Uuid::max().into()))
            .bind(PAGE + 1)
            .fetch_all(&mut db.read().await?)
            .await?;
    let more = projects.len() > PAGE as usize;
    projects.truncate(PAGE as usize);
    let older = projects.last().filter(|_| more).map(|last| last.id);
    Ok((projects, older))
}

/// Returns a project of the user.
pub async fn find(db: &Db, user: UserId, id: ProjectId) -> Result<Option<Project>, Error> {
    let find =
        sql("select id, name, note, created_at from projects where id = $1 and user_id = $2").bind(id).bind(user);
    find.fetch_optional(&mut db.read().await?).await
}

/// Adds a project. The first one of a user counts as a conversion, so the reports tell which campaigns bring people who begin.
pub async fn create(db: &Db, user: UserId, name: &str, note: &str) -> Result<(), SaveError> {
    let ((name, note), now, external_id) = (checked(name, note)?, db.now(), user.to_string());
    let (owner, kind, source) = (Some(user), Some("project"), "projects");
    let draft = Draft { user: owner, kind, source, external_id: &external_id, ..Draft::default() };
    let conversion = NewConversion::parse(draft, now).map_err(RecordError::Refused)?;
    let add = sql("insert into projects (id, user_id, name, note, created_at) select $1, $2, $3, $4, $5
        where (select count(*) from projects where user_id = $2) < $6");
    let add = add.bind(ProjectId::new()).bind(user).bind(name).bind(note).bind(now).bind(MOST);
    let added = db.transaction(move |conn| {
        Box::pin(async move {
            if !lock_active(conn, user).await? {
                return Err(SaveError::Field("", "This account is closed.".to_owned()));
            }
            if add.execute(conn).await.map_err(taken)? == 0 {
                return Err(SaveError::Field("name", format!("You have {MOST} projects, and more are not possible.")));
            }
            record_conversion(conn, &conversion, now).await.map(drop).map_err(SaveError::from)
        })
    });
    added.await
}

/// Changes a project. Returns `false` if the user has no such project.
pub async fn update(db: &Db, user: UserId, id: ProjectId, name: &str, note: &str) -> Result<bool, SaveError> {
    let (name, note) = checked(name, note)?;
    let update = sql("update projects set name = $3, note = $4 where id = $1 and user_id = $2");
    let update = update.bind(id).bind(user).bind(name).bind(note);
    db.execute(update).await.map(|rows| rows > 0).map_err(taken)
}

/// Deletes a project. Returns `false` if the user has no such project.
pub async fn delete(db: &Db, user: UserId, id: ProjectId) -> Result<bool, Error> {
    let delete = sql("delete from projects where id = $1 and user_id = $2").bind(id).bind(user);
    db.execute(delete).await.map(|rows| rows > 0)
}

fn checked(name: &str, note: &str) -> Result<(String, String), SaveError> {
    for (field, text, most) in [("name", name, NAME_LENGTH), ("note", note, NOTE_LENGTH)] {
        if text.trim().chars().count() > most as usize {
            return Err(SaveError::Field(field, format!("Use at most {most} characters.")));
        }
        // PostgreSQL stores no NUL.
        if text.trim().contains(char::is_control) {
            return Err(SaveError::Field(field, "Leave out line breaks and hidden characters.".to_owned()));
        }
    }
    match name.trim() {
        "" => Err(SaveError::Field("name", "Enter a name.".to_owned())),
        name => Ok((name.to_owned(), note.trim().to_owned())),
    }
}

/// Tells a name that is taken from other errors, by the constraint of the table.
fn taken(error: Error) -> SaveError {
    match error.constraint().as_deref() {
        Some("projects_user_id_name_key") => SaveError::Field("name", "You have a project with this name.".to_owned()),
        _ => error.into(),
    }
}
