//! What runs the jobs that requests cause: a line for each kind.

use crate::{
    auth::doors::mails::{self, AccountMail},
    jobs::Handlers,
    state::AppState,
};

/// Returns what runs each kind of job.
pub fn handlers(state: &AppState) -> Handlers {
    let mut handlers = Handlers::default();
    // A server without `MAIL_URL` takes no mails: they wait for a server that has it.
    if state.accounts.doors.are_open() {
        let (db, mailer) = (state.db.clone(), state.mailer.clone());
        handlers = handlers.on(move |mail: AccountMail, run| {
            let (db, mailer) = (db.clone(), mailer.clone());
            async move { mails::deliver(&db, &mailer, mail, run).await }
        });
    }
    handlers
}
