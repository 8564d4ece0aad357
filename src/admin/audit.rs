use jiff::tz::TimeZone;
use leptos::{
    either::{Either, EitherOf3},
    prelude::*,
};
use uuid::Uuid;

use super::{
    page::{PageError, PageRequest, admin_page},
    sections::AUDIT,
};
use crate::{
    attribution::report::{Filter, ParsedFilter, Preset, filter::href},
    audit::{
        Action, ActorKind,
        list::{AuditEntry, AuditFilter, Named, entries},
    },
    components::{
        AdminPage, AlertKind, Card, DataTable, EmptyState, FilterBar, FilterDate, FilterOption, FilterSelect,
        FilterText, FormAlert, Pagination, Th, TwoLines, format,
    },
    db::page::{Page, Position},
    id::UserId,
    timestamp::whole_days,
};

const ROWS: u32 = 50;

/// The audit log, newest first.
#[component]
pub fn AuditLogPage() -> impl IntoView {
    admin_page(page)
}

/// What the address of the page asks for.
struct Asked {
    filter: AuditFilter,
    /// The parameters of the filter, as names and values.
    pairs: Vec<(&'static str, String)>,
    tz: TimeZone,
    position: Position<Uuid>,
}

impl Default for Asked {
    fn default() -> Self {
        let (filter, position) = (AuditFilter::default(), Position::Newest);
        Self { filter, pairs: Vec::new(), tz: TimeZone::UTC, position }
    }
}

impl Asked {
    fn of(request: &PageRequest) -> Result<Self, String> {
        let ParsedFilter { filter: period, problems } = Filter::parse(&request.query, Preset::All, request.now);
        if let Some(problem) =
            problems.into_iter().find(|problem| ["from", "to", "tz", "period"].contains(&problem.name))
        {
            return Err(problem.message);
        }
        let text = |name| request.parameter(name);
        let range = period.period.range();
        let filter = AuditFilter {
            action: text("action").and_then(|word| Action::from_word(&word)),
            kind: text("by").and_then(|word| ActorKind::from_word(&word)),
            actor: text("actor").and_then(|text| Named::parse(&text)),
            target: text("target").and_then(|text| Named::parse(&text)),
            user: text("user").and_then(|id| id.parse().ok()),
            from: period.period.from.map(|_| range.start),
            until: period.period.to.map(|_| range.end),
        };
        let names = ["action", "by", "actor", "target", "user", "from", "to", "tz"];
        let pairs = names.into_iter().filter_map(|name| Some((name, text(name)?))).collect();
        let position = request.position().unwrap_or_default();
        Ok(Self { filter, pairs, tz: period.period.tz, position })
    }

    /// Returns the address of this page with one further parameter.
    fn with(&self, name: &'static str, value: Uuid) -> String {
        let (value, pairs) = (value.to_string(), self.pairs.iter().map(|(name, value)| (*name, value.as_str())));
        href(AUDIT.path, pairs.chain([(name, value.as_str())]))
    }

    fn value(&self, name: &str) -> Option<String> {
        self.pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone())
    }
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let (asked, problem) = match Asked::of(&request) {
        Ok(asked) => (asked, None),
        Err(problem) => (Asked::default(), Some(problem)),
    };
    let mut conn = request.state.db.read_for_report().await?;
    let found = entries(&mut conn, &asked.filter, asked.position, ROWS).await?;
    drop(conn);
    let kept = match request.state.config.audit_keep {
        Some(kept) => format!("Entries are kept for {}.", format::plural(whole_days(kept), "day", "days")),
        None => "Entries are kept for ever.".to_owned(),
    };
    let subtitle = format!("What admins, sign-ins and the command line changed. {kept}");
    let filtered = asked.pairs.iter().any(|(name, _)| *name != "tz") || asked.position != Position::Newest;
    let list = match found.rows.is_empty() {
        true => Either::Left(view! { <NoEntries filtered/> }),
        false => {
            let Page { rows: entries, newer, older } = found;
            let newer = newer.map(|id| asked.with("after", id));
            let older = older.map(|id| asked.with("before", id));
            let tz = asked.tz.clone();
            Either::Right(view! {
                <Card>
                    <AuditTable entries tz/>
                    <Pagination newer older/>
                </Card>
            })
        }
    };
    Ok(view! {
        <AdminPage title=AUDIT.title subtitle>
            <FormAlert message=problem kind=AlertKind::Error/>
            <AuditFilterBar asked/>
            {list}
        </AdminPage>
    })
}

#[component]
fn AuditFilterBar(asked: Asked) -> impl IntoView {
    let value = |name: &str| asked.value(name);
    let actions = Action::ALL.into_iter().map(|action| FilterOption::new(action.as_str(), action.words())).collect();
    let kinds = ActorKind::ALL.into_iter().map(|kind| FilterOption::new(kind.as_str(), kind.words())).collect();
    let keep = ["tz", "user"].into_iter().filter_map(|name| Some((name.to_owned(), value(name)?))).collect();
    let (action, by, actor, target) = (value("action"), value("by"), value("actor"), value("target"));
    let (from, to) = (value("from"), value("to"));
    let clear = asked.pairs.iter().any(|(name, _)| *name != "tz");
    let one_user = asked.filter.user.map(|_| "Only entries by or about one user are shown.");
    view! {
        <FilterBar action=AUDIT.path keep>
            <FilterSelect name="action" label="Action" options=actions selected=action any="Any"/>
            <FilterSelect name="by" label="Kind of actor" options=kinds selected=by any="Any"/>
            <FilterText name="actor" label="By" value=actor placeholder="E-mail"/>
            <FilterText name="target" label="On" value=target placeholder="E-mail or name"/>
            <FilterDate name="from" label="From" value=from/>
            <FilterDate name="to" label="To" value=to/>
        </FilterBar>
        {clear.then(|| view! {
            <p class="muted">{one_user} " " <a href=AUDIT.path>"Show all entries"</a></p>
        })}
    }
}

/// Entries, newest first. Times are those of the zone.
#[component]
pub fn AuditTable(entries: Vec<AuditEntry>, tz: TimeZone) -> impl IntoView {
    let rows = entries.into_iter().map(|entry| view! { <AuditRow entry tz=tz.clone()/> }).collect_view();
    view! {
        <DataTable caption="Audit log, newest first" dense=true>
            <thead>
                <tr>
                    <Th label="Time"/>
                    <Th label="Action"/>
                    <Th label="By"/>
                    <Th label="On"/>
                    <Th label="Network and request"/>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </DataTable>
    }
}

#[component]
fn AuditRow(entry: AuditEntry, tz: TimeZone) -> impl IntoView {
    let words =
        Action::from_word(&entry.action).map_or_else(|| entry.action.clone(), |action| action.words().to_owned());
    let by = match (entry.actor_id, entry.actor_email) {
        (None, _) => {
            let kind = ActorKind::from_word(&entry.actor_kind).map_or("Unknown", ActorKind::words);
            Either::Left(view! { <span class="muted">{kind}</span> })
        }
        (Some(id), email) => Either::Right(view! { <UserLink id email/> }),
    };
    let own = entry.target_id.is_some() && entry.target_id == entry.actor_id;
    let on = match (entry.target_id, entry.target) {
        (Some(_), _) if own => EitherOf3::A(view! { <span class="muted">"Own account"</span> }),
        (Some(id), email) => EitherOf3::B(view! { <UserLink id email/> }),
        (None, thing) => EitherOf3::C(thing),
    };
    // The beginning of an id finds its lines in the log.
    let request = entry.request_id.map(|id| {
        let id = id.to_string();
        let begin = format!("{}…", &id[..8]);
        view! { <span class="line-subtitle mono" title=id>{begin}</span> }
    });
    view! {
        <tr>
            <td class="fit">
                <time datetime=format::rfc3339(entry.at)>{format::date_time(entry.at, &tz)}</time>
            </td>
            <th scope="row"><TwoLines title=words subtitle=entry.detail/></th>
            <td>{by}</td>
            <td class="breakable">{on}</td>
            <td><span class="line-title mono">{entry.network}</span>{request}</td>
        </tr>
    }
}

/// A link to a user's page. The user's address is gone once the user is erased.
#[component]
fn UserLink(id: UserId, email: Option<String>) -> impl IntoView {
    view! { <a href=format!("/admin/users/{id}")>{email.unwrap_or_else(|| "Erased user".to_owned())}</a> }
}

#[component]
fn NoEntries(filtered: bool) -> impl IntoView {
    let (title, text) = match filtered {
        true => ("Nothing matches", "No entry has all of these values."),
        false => ("No entries yet", "Sign-ins and changes by admins appear here."),
    };
    view! {
        <div class="card">
            <EmptyState title text>
                {filtered.then(|| view! { <a class="button" href=AUDIT.path>"Show all entries"</a> })}
            </EmptyState>
        </div>
    }
}
