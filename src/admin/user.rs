use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};

use super::{
    audit::AuditTable,
    confirm_fields::ConfirmFields,
    forms::users::FORM,
    page::{PageError, PageRequest, admin_page},
    page_filter::detail_href,
    sections::{AUDIT, USERS},
    tables::{RoleTag, or_not_set, source_medium},
    users::StateTag,
};
use crate::{
    attribution::report::users::{FirstTouch, ListedUser, user},
    audit::list::{AuditEntry, AuditFilter, entries},
    auth::{
        Role, current_user,
        forms::{FormState, take_flash},
        own_sessions::{OwnSession, sessions_of},
    },
    components::{
        AdminPage, AlertKind, BackLink, Card, Columns, DataTable, Fact, Facts, FormAlert, HiddenField, Th, format,
    },
    db::page::Position,
    id::UserId,
};

/// How many entries of the audit log are shown.
const ENTRIES: u32 = 10;

/// The account of one user: what an admin can see and change.
#[component]
pub fn UserPage() -> impl IntoView {
    let flash = take_flash(FORM);
    let admin = current_user().map(|user| user.id);
    admin_page(move |request| page(request, flash, admin))
}

async fn page(request: PageRequest, flash: FormState, admin: Option<UserId>) -> Result<impl IntoView, PageError> {
    let id: UserId = request.id()?;
    let filter = request.detail_filter();
    let mut conn = request.state.db.read_for_report().await?;
    let user = user(&mut conn, id).await?.ok_or(PageError::NotFound)?;
    let sessions = sessions_of(&mut conn, id, None, request.now).await?;
    let asked = AuditFilter { user: Some(id), ..AuditFilter::default() };
    let log = entries(&mut conn, &asked, Position::Newest, ENTRIES).await?;
    drop(conn);

    let tz = filter.period.tz.clone();
    let (erased, mail) = (user.erased_at.is_some(), request.state.accounts.doors.are_open());
    let title = if erased { "Erased user".to_owned() } else { user.email.clone() };
    let journey = detail_href(&format!("/admin/users/{id}/journey"), &filter);
    let toolbar = view! { <a class="button" href=journey>"Journey"</a> }.into_any();
    let own = admin == Some(id);
    let change = (!erased).then(|| view! { <ChangeCard user=user.clone() own mail flash=flash.clone()/> });
    let (account_tz, sessions_tz) = (tz.clone(), tz.clone());
    Ok(view! {
        <AdminPage title toolbar back=BackLink::new(USERS.path, USERS.title)>
            <FormAlert message=flash.notice.clone() kind=AlertKind::Success/>
            <FormAlert message=flash.error("") kind=AlertKind::Error/>
            <Columns>
                <Card title="Account"><AccountFacts user mail tz=account_tz/></Card>
                {change}
            </Columns>
            {(!erased).then(move || view! { <Card title="Sessions"><SessionList sessions tz=sessions_tz/></Card> })}
            <LogCard id log=log.rows more=log.older.is_some() tz/>
        </AdminPage>
    })
}

#[component]
fn AccountFacts(
    user: ListedUser,
    /// Whether mail goes out, so that addresses can be confirmed.
    mail: bool,
    tz: TimeZone,
) -> impl IntoView {
    let state = user.state(mail);
    let since = user.erased_at.or(user.disabled_at).map(|at| format!(" since {}", format::date(at, &tz)));
    let address = match user.email_verified_at {
        Some(at) => format!("Confirmed {}", format::date(at, &tz)),
        None => "Not confirmed".to_owned(),
    };
    let first = match user.first {
        Some(FirstTouch { source, medium, campaign, channel, .. }) => {
            format!("{channel}: {} · {}", source_medium(&source, &medium), or_not_set(&campaign))
        }
        None => "None: came directly".to_owned(),
    };
    view! {
        <Facts>
            <Fact term="Role"><RoleTag role=user.role/></Fact>
            <Fact term="State"><StateTag state/>{since}</Fact>
            <Fact term="Address" value=address/>
            <Fact term="Signed up" value=format::date_time(user.created_at, &tz)/>
            <Fact term="First touch" value=first/>
            <Fact term="User" value=user.id.to_string() mono=true/>
        </Facts>
    }
}

/// The changes that an admin can make. A change that cannot be undone by a click asks for the admin's password.
#[component]
fn ChangeCard(
    user: ListedUser,
    own: bool,
    /// Whether mail goes out.
    mail: bool,
    flash: FormState,
) -> impl IntoView {
    if own {
        return Either::Left(view! {
            <Card title="Change">
                <p>"This is your own account. Another admin can change your role, or disable the account."</p>
                <p><a class="button" href="/account">"Your account"</a></p>
            </Card>
        });
    }
    let id = user.id;
    let admin = user.role == Role::Admin.as_str();
    let (role, role_words, role_text) = match admin {
        true => (Role::Member, "Make member", "The user can no longer open the dashboard."),
        false => (Role::Admin, "Make admin", "The user sees and changes everything that you can."),
    };
    let disabled = user.disabled_at.is_some();
    let mails = (mail && !disabled).then(|| {
        let confirm = user.email_verified_at.is_none().then(|| {
            view! { <Send name="send-verification" label="Send a link to confirm the address" id/> }
        });
        view! {
            {confirm}
            <Send name="send-reset" label="Send a link to set a password" id/>
        }
    });
    let disable = match disabled {
        true => Either::Left(view! {
            <form method="post" action="/api/users/enable">
                <HiddenField name="id" value=id.to_string()/>
                <button class="button" type="submit">"Enable account"</button>
            </form>
        }),
        false => Either::Right(view! {
            <Action name="disable" label="Disable account" id flash=flash.clone()
                text="The user is signed out everywhere and cannot sign in. Nothing is removed."/>
        }),
    };
    Either::Right(view! {
        <Card title="Change">
            <div class="stack">
                {mails}
                <form method="post" action="/api/users/end-sessions">
                    <HiddenField name="id" value=id.to_string()/>
                    <button class="button" type="submit">"End all sessions"</button>
                </form>
                <Action name="role" label=role_words id flash=flash.clone() text=role_text role=role.as_str()/>
                {disable}
                <Action name="erase" label="Erase user" id flash
                    text="This closes the account and erases what identifies the person. It cannot be undone."/>
            </div>
        </Card>
    })
}

/// A button that sends a mail to the user.
#[component]
fn Send(
    /// The last part of the form's address.
    name: &'static str,
    label: &'static str,
    id: UserId,
) -> impl IntoView {
    view! {
        <form method="post" action=format!("/api/users/{name}")>
            <HiddenField name="id" value=id.to_string()/>
            <button class="button" type="submit">{label}</button>
        </form>
    }
}

/// One change behind its own button. The button opens a form that asks for the admin's password.
#[component]
fn Action(
    /// The last part of the form's address.
    name: &'static str,
    label: &'static str,
    /// What the change does.
    text: &'static str,
    id: UserId,
    flash: FormState,
    #[prop(optional)] role: Option<&'static str>,
) -> impl IntoView {
    // The form is open again after a wrong password.
    let here = flash.value("action") == name;
    let shown = if here { flash } else { FormState::default() };
    let code = current_user().is_some_and(|admin| admin.second_factor);
    view! {
        <details class="action" open=here>
            <summary class="button">{label}</summary>
            <form class="form" method="post" action=format!("/api/users/{name}")>
                <p class="muted">{text}</p>
                <HiddenField name="id" value=id.to_string()/>
                <HiddenField name="role" value=role/>
                <ConfirmFields prefix=name code flash=shown/>
                <button class="button danger" type="submit">{label}</button>
            </form>
        </details>
    }
}

/// The sessions of a user.
#[component]
fn SessionList(sessions: Vec<OwnSession>, tz: TimeZone) -> impl IntoView {
    if sessions.is_empty() {
        return Either::Left(view! { <p class="muted">"The user is signed in nowhere."</p> });
    }
    let rows = sessions
        .into_iter()
        .map(|OwnSession { browser, since, seen, .. }| {
            view! {
                <tr>
                    <th scope="row">{browser}</th>
                    <td>{format::date_time(since, &tz)}</td>
                    <td>{format::date(seen, &tz)}</td>
                </tr>
            }
        })
        .collect_view();
    Either::Right(view! {
        <DataTable caption="Sessions">
            <thead><tr><Th label="Browser"/><Th label="Signed in"/><Th label="Last used"/></tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
    })
}

/// The newest entries of the audit log by and about the user.
#[component]
fn LogCard(id: UserId, log: Vec<AuditEntry>, more: bool, tz: TimeZone) -> impl IntoView {
    let content = match log.is_empty() {
        true => Either::Left(view! { <p class="muted">"The audit log has no entry by or about this user."</p> }),
        false => Either::Right(view! { <AuditTable entries=log tz/> }),
    };
    let all = more.then(|| {
        let href = format!("{}?user={id}", AUDIT.path);
        view! { <p><a href=href>"All entries about this user"</a></p> }
    });
    view! { <Card title="Audit log">{content}{all}</Card> }
}
