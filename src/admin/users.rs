use leptos::{either::Either, prelude::*};

use super::{
    filter_parts::{ActiveFilter, FilterToolbar, SearchForm},
    forms::{invitations, users::FORM},
    invitations::InvitationsCard,
    lists::TimePagination,
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::USERS,
    tables::{RoleTag, or_not_set, source_medium},
};
use crate::{
    attribution::report::{
        Filter, Preset,
        users::{
            FirstTouch, ListedUser, UserQuestion, UserState, asks_for_first_touch, read_users, users_by_first_touch,
        },
    },
    auth::{
        Role, current_user,
        doors::invitation::list,
        forms::{FormState, take_flash},
    },
    components::{
        AdminPage, AlertKind, Card, DataTable, EmptyState, FormAlert, Segment, Segmented, Tag, Th, Tone, TwoLines,
        format,
    },
};

const ROWS: u32 = 50;

/// All users, newest first.
#[component]
pub fn UsersPage() -> impl IntoView {
    // A form about an account that is gone leads back here.
    let error = take_flash(FORM).error("");
    let (flash, code) = (take_flash(invitations::FORM), current_user().is_some_and(|user| user.second_factor));
    admin_page(move |request| page(request, error, flash, code))
}

async fn page(
    request: PageRequest,
    error: Option<String>,
    flash: FormState,
    code: bool,
) -> Result<impl IntoView, PageError> {
    let (page, role, state) = chosen(&request);
    let position = request.position();
    let damaged = position.is_err().then_some("The address of this page of users is damaged. Here are the newest.");
    let position = position.unwrap_or_default();
    let question = request.question(page.filter()).await?;
    let first = match asks_for_first_touch(page.filter()) {
        true => {
            let (facts, asked) = (request.facts().await?, question.clone());
            Some(request.count(&facts, move |facts| users_by_first_touch(facts, &asked)).await?)
        }
        false => None,
    };
    let asked = UserQuestion { question, role: role.map(Role::as_str), state };
    let mut conn = request.state.db.read_for_report().await?;
    let users = read_users(&mut conn, &asked, first, position, ROWS).await?;
    let invitations = list(&mut conn).await?;
    drop(conn);
    let (doors, now) = (request.state.accounts.doors, request.now);

    let unfiltered = page.filter().is_bare() && page.own.is_empty() && page.filter().period.preset == Some(Preset::All);
    let users_list = match users.rows.is_empty() {
        true => Either::Left(view! { <NoUsers unfiltered/> }),
        false => {
            let tz = page.filter().period.tz.clone();
            let rows = users
                .rows
                .iter()
                .map(|user| {
                    let href = page.detail(&format!("/admin/users/{}", user.id));
                    let state = user.state(doors.are_open());
                    view! { <UserRow user=user.clone() state href signed_up=format::date(user.created_at, &tz)/> }
                })
                .collect_view();
            let listed = page.clone();
            let summary = format::plural(users.rows.len() as i64, "user", "users") + " on this page";
            Either::Right(view! {
                <Card>
                    <UserTable>{rows}</UserTable>
                    <TimePagination page=listed newer=users.newer older=users.older summary/>
                </Card>
            })
        }
    };
    let toolbar = view! {
        <FilterToolbar page=page.clone()/>
        <a class="button" href="#invitations">"Invite"</a>
    }
    .into_any();
    let subtitle = format!("Signed up: {}. Other filters look at the first touch.", page.period_words().to_lowercase());
    Ok(view! {
        <AdminPage title=USERS.title subtitle toolbar>
            <SearchForm page=page.clone() label="Search users" placeholder="E-mail"/>
            <FormAlert message=error kind=AlertKind::Error/>
            <FormAlert message=damaged kind=AlertKind::Error/>
            <div class="row"><RoleAndState page=page.clone() mail=doors.are_open()/></div>
            <ActiveFilter page/>
            {users_list}
            <InvitationsCard invitations doors flash code now/>
        </AdminPage>
    })
}

/// Returns the filter of the page, and the role and the state in it.
fn chosen(request: &PageRequest) -> (PageFilter, Option<Role>, Option<UserState>) {
    let role = request.parameter("role").and_then(|word| Role::of(&word));
    let state = request.parameter("state").and_then(|word| UserState::from_word(&word));
    let page = PageFilter {
        parsed: Filter::parse(&request.query, Preset::All, request.now),
        ..PageFilter::new(request, USERS.path)
    };
    let page = page
        .keeping("role", role.map(|role| role.as_str().to_owned()))
        .keeping("state", state.map(|state| state.as_str().to_owned()));
    (page, role, state)
}

/// The choices of a role and of a state.
#[component]
fn RoleAndState(
    page: PageFilter,
    /// Whether mail goes out, so that addresses can be confirmed.
    mail: bool,
) -> impl IntoView {
    let chosen = |name: &str| page.own.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
    let choice = |name: &'static str, all: &str, words: &[(&'static str, &str)]| {
        let chosen = chosen(name);
        let any = Segment { label: all.to_owned(), href: page.without_own(name), current: chosen.is_none() };
        let others = words.iter().map(|(word, label)| Segment {
            label: (*label).to_owned(),
            href: page.with_own(name, word),
            current: chosen.as_deref() == Some(*word),
        });
        [any].into_iter().chain(others).collect::<Vec<_>>()
    };
    let roles = choice("role", "All roles", &[("member", "Members"), ("admin", "Admins")]);
    let mut states =
        vec![("active", "Active"), ("unverified", "Unverified"), ("disabled", "Disabled"), ("erased", "Erased")];
    states.retain(|(word, _)| mail || *word != UserState::Unverified.as_str());
    let states = choice("state", "All states", &states);
    view! {
        <Segmented label="Role" segments=roles/>
        <Segmented label="State" segments=states/>
    }
}

#[component]
fn UserTable(children: Children) -> impl IntoView {
    view! {
        <DataTable caption="Users, newest first">
            <thead>
                <tr>
                    <Th label="User"/>
                    <Th label="Role"/>
                    <Th label="State"/>
                    <Th label="First touch"/>
                    <Th label="Channel"/>
                </tr>
            </thead>
            <tbody>{children()}</tbody>
        </DataTable>
    }
}

#[component]
fn UserRow(user: ListedUser, state: UserState, href: String, signed_up: String) -> impl IntoView {
    let name = if state == UserState::Erased { "Erased user".to_owned() } else { user.email };
    let first = match user.first {
        Some(FirstTouch { source, medium, campaign, channel, .. }) => Either::Left(view! {
            <td><TwoLines title=or_not_set(&campaign) subtitle=source_medium(&source, &medium)/></td>
            <td><Tag label=channel/></td>
        }),
        None => Either::Right(view! { <td class="muted">"Came directly"</td><td></td> }),
    };
    view! {
        <tr>
            <th scope="row"><TwoLines title=name subtitle=format!("Signed up {signed_up}") href/></th>
            <td><RoleTag role=user.role/></td>
            <td><StateTag state/></td>
            {first}
        </tr>
    }
}

/// The state of an account.
#[component]
pub fn StateTag(state: UserState) -> impl IntoView {
    match state {
        UserState::Active => view! { <Tag label="Active" tone=Tone::Good/> },
        UserState::Unverified => view! { <Tag label="Unverified"/> },
        UserState::Disabled => view! { <Tag label="Disabled" tone=Tone::Bad/> },
        UserState::Erased => view! { <Tag label="Erased"/> },
    }
}

#[component]
fn NoUsers(unfiltered: bool) -> impl IntoView {
    let (title, text) = match unfiltered {
        true => ("No users yet", "Whoever signs up appears here."),
        false => ("Nothing matches", "No user has all of these values."),
    };
    view! {
        <div class="card">
            <EmptyState title text>
                {(!unfiltered).then(|| view! { <a class="button" href=USERS.path>"Show all users"</a> })}
            </EmptyState>
        </div>
    }
}
