//! What runs the jobs that requests cause: a line for each kind.

use crate::{
    auth::doors::mails::{self, AccountMail},
    jobs::Handlers,
    state::AppState,
};

/// Returns what runs each kind of job. A server without `MAIL_URL` takes no mails: they wait for a server that has it.
pub fn handlers(state: &AppState) -> Handlers {
    if !state.accounts.doors.are_open() {
        return Handlers::default();
    }
    let (db, mailer) = (state.db.clone(), state.mailer.clone());
    Handlers::default().on(move |mail: AccountMail, run| {
        let (db, mailer) = (db.clone(), mailer.clone());
        async move { mails::deliver(&db, &mailer, mail, run).await }
    })
}
