//! Inviting people to have an account. Making another person an admin asks for the admin's password.

use leptos::prelude::*;

use super::{admins_only, confirmed};
use crate::{
    admin::sections::USERS,
    audit::Actor,
    auth::{
        Accounts, Role,
        doors::{
            invite::{self, InviteRefusal},
            one_time::Purpose,
        },
        forms::{Answer, Outcome},
    },
    id::InvitationId,
};

/// The name under which the forms leave their state for the page.
pub const FORM: &str = "invitations";

/// The card with the invitations, which stands below the list of users.
const CARD: &str = "#invitations";

/// Invites a person to have an account with a role: `member` or `admin`.
#[server(prefix = "/api", endpoint = "invitations")]
pub async fn invite_user(
    #[server(default)] email: String,
    #[server(default)] role: String,
    #[server(default)] current_password: String,
    #[server(default)] code: String,
) -> Result<Outcome, ServerFnError> {
    let (admin, accounts, answer) = match begin() {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    let Some(role) = Role::of(&role) else { return Ok(answer.form("There is no such role.")) };
    let answer = answer.keeping("action", role.as_str()).keeping("email", &email);
    if role == Role::Admin
        && let Err(outcome) = confirmed(&answer, USERS.path, "invite_admin", current_password, &code).await?
    {
        return Ok(outcome);
    }
    match invite::invite(&accounts, &email, role, &admin).await {
        Ok(email) => Ok(answer.notice(&format!(
            "An invitation to {email} is on its way. It works for {}.",
            Purpose::Invite.lasts_in_words()
        ))),
        Err(refusal @ (InviteRefusal::Invalid(_) | InviteRefusal::HasAccount | InviteRefusal::TooManyMails)) => {
            Ok(answer.field("email", &refusal.to_string()))
        }
        Err(refusal) => Ok(refused(answer, refusal)),
    }
}

/// Sends the mail of an invitation again.
#[server(prefix = "/api", endpoint = "invitations/resend")]
pub async fn resend_invitation(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    let (admin, accounts, answer) = match begin() {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    let Ok(id) = id.parse::<InvitationId>() else { return Ok(refused(answer, InviteRefusal::Unknown)) };
    match invite::resend(&accounts, id, &admin).await {
        Ok(email) => Ok(answer.notice(&format!(
            "The invitation to {email} is on its way again. It works for {}.",
            Purpose::Invite.lasts_in_words()
        ))),
        Err(refusal) => Ok(refused(answer, refusal)),
    }
}

/// Revokes an invitation.
#[server(prefix = "/api", endpoint = "invitations/revoke")]
pub async fn revoke_invitation(#[server(default)] id: String) -> Result<Outcome, ServerFnError> {
    let (admin, accounts, answer) = match begin() {
        Ok(begun) => begun,
        Err(outcome) => return Ok(outcome),
    };
    let Ok(id) = id.parse::<InvitationId>() else { return Ok(refused(answer, InviteRefusal::Unknown)) };
    match invite::revoke(&accounts, id, &admin).await {
        Ok(email) => {
            Ok(answer.notice(&format!("The invitation to {email} is revoked. Its link does not work any more.")))
        }
        Err(refusal) => Ok(refused(answer, refusal)),
    }
}

/// Checks the role, and that mail goes out.
fn begin() -> Result<(Actor, Accounts, Answer), Outcome> {
    let admin = admins_only(USERS.path)?;
    let accounts = expect_context::<Accounts>();
    match accounts.doors.are_open() {
        true => Ok((admin, accounts, Answer::to(FORM, [USERS.path, CARD].concat()))),
        false => Err(Answer::not_found()),
    }
}

fn refused(answer: Answer, refusal: InviteRefusal) -> Outcome {
    if let InviteRefusal::Database(error) = &refusal {
        tracing::error!(%error, "an invitation could not be changed");
    }
    answer.form(&refusal.to_string())
}
