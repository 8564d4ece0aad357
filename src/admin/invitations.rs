use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};

use super::{
    confirm_fields::ConfirmFields,
    tables::{ActionTh, RoleTag},
};
use crate::{
    auth::{
        Role,
        doors::{
            MailDoors,
            invitation::{LISTED, ListedInvitation},
        },
        forms::FormState,
    },
    components::{AlertKind, Card, DataTable, Field, FormAlert, HiddenField, Tag, Th, Tone, TwoLines, format},
    timestamp::Timestamp,
};

/// Inviting people, and the invitations that nobody has accepted.
#[component]
pub fn InvitationsCard(
    invitations: Vec<ListedInvitation>,
    doors: MailDoors,
    flash: FormState,
    /// Whether the admin has a second factor.
    code: bool,
    now: Timestamp,
) -> impl IntoView {
    let forms = match doors.are_open() {
        true => Either::Left(view! {
            <div class="stack">
                <InviteForm role=Role::Member label="Invite a member" flash=flash.clone() code
                    text="The person gets a mail with a link, chooses a password, and has an account."/>
                <InviteForm role=Role::Admin label="Invite an admin" flash=flash.clone() code
                    text="The person will see and change everything that you can."/>
            </div>
        }),
        false => Either::Right(view! {
            <p class="muted">
                "Invitations go by mail, and this server sends none. Set "<code>"MAIL_URL"</code>" to invite people."
            </p>
        }),
    };
    let most = (invitations.len() >= LISTED as usize)
        .then(|| view! { <p class="muted">"The latest "{LISTED}" invitations are shown."</p> });
    let list = (!invitations.is_empty()).then(|| {
        let open = doors.are_open();
        let row = |invitation| view! { <InvitationRow invitation open now/> };
        let rows = invitations.into_iter().map(row).collect_view();
        view! {
            <DataTable caption="Invitations, newest first">
                <thead><tr><Th label="Invitation"/><Th label="Role"/><Th label="State"/><ActionTh/><ActionTh/></tr></thead>
                <tbody>{rows}</tbody>
            </DataTable>
            {most}
        }
    });
    view! {
        <div id="invitations">
            <Card title="Invitations">
                <FormAlert message=flash.notice.clone() kind=AlertKind::Success/>
                <FormAlert message=flash.error("") kind=AlertKind::Error/>
                {forms}
                {list}
            </Card>
        </div>
    }
}

/// A form behind its own button. Inviting an admin asks for the admin's password.
#[component]
fn InviteForm(role: Role, label: &'static str, text: &'static str, flash: FormState, code: bool) -> impl IntoView {
    let word = role.as_str();
    // The form is open again after a mistake.
    let here = flash.value("action") == word;
    let shown = if here { flash } else { FormState::default() };
    let confirm = (role == Role::Admin).then(|| view! { <ConfirmFields prefix="invite" code flash=shown.clone()/> });
    view! {
        <details class="action" open=here>
            <summary class="button">{label}</summary>
            <form class="form" method="post" action="/api/invitations" novalidate>
                <p class="muted">{text}</p>
                <HiddenField name="role" value=word/>
                <Field name="email" id=format!("invite-{word}") label="E-mail" kind="email" autocomplete="off" required=true
                    value=shown.value("email") error=shown.error("email")/>
                {confirm}
                <button class="button primary" type="submit">"Send invitation"</button>
            </form>
        </details>
    }
}

#[component]
fn InvitationRow(
    invitation: ListedInvitation,
    /// Whether mail goes out.
    open: bool,
    now: Timestamp,
) -> impl IntoView {
    let day = |at| format::date(at, &TimeZone::UTC);
    let ListedInvitation { id, email, role, created_at, expires_at, inviter_email, inviter_is_admin, account } =
        invitation;
    let (state, tone, resend) = match account {
        Some(_) => ("Has an account".to_owned(), Tone::Plain, false),
        None if !inviter_is_admin => ("Inviter is not an admin".to_owned(), Tone::Bad, false),
        None if expires_at <= now => (format!("Expired {}", day(expires_at)), Tone::Plain, true),
        None => (format!("Until {}", day(expires_at)), Tone::Good, true),
    };
    let href = account.map(|id| format!("/admin/users/{id}"));
    let by = format!("Invited {} by {inviter_email}", day(created_at));
    // To invite an admin again takes the password, in the form above.
    let resend = (resend && open && role != Role::Admin.as_str()).then(|| {
        let label = format!("Send the invitation to {email} again");
        view! {
            <form method="post" action="/api/invitations/resend">
                <HiddenField name="id" value=id.to_string()/>
                <button class="button small" type="submit" aria-label=label>"Resend"</button>
            </form>
        }
    });
    let revoke = format!("Revoke the invitation to {email}");
    let revoke = open.then(|| {
        view! {
            <form method="post" action="/api/invitations/revoke">
                <HiddenField name="id" value=id.to_string()/>
                <button class="button small danger" type="submit" aria-label=revoke>"Revoke"</button>
            </form>
        }
    });
    view! {
        <tr>
            <th scope="row"><TwoLines title=email subtitle=by href/></th>
            <td><RoleTag role/></td>
            <td><Tag label=state tone/></td>
            <td class="fit">{resend}</td>
            <td class="fit">{revoke}</td>
        </tr>
    }
}
