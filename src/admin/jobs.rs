use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};

use super::{
    forms::jobs::FORM,
    page::{PageError, PageRequest, admin_page},
    sections::JOBS,
    tables::ActionTh,
};
use crate::{
    attribution::report::filter::href,
    auth::forms::{FormState, take_flash},
    components::{
        AdminPage, AlertKind, Card, DataTable, EmptyState, FormAlert, HiddenField, Pagination, Segment, Segmented, Tag,
        Th, Tone, TwoLines, format,
    },
    db::page::{Page, Position},
    jobs::{
        lease::{self, ListedLease},
        list::{JobCounts, JobState, ListedJob, jobs},
    },
    timestamp::Timestamp,
};

const ROWS: u32 = 50;

/// The queue of jobs, newest first, and the work that runs on one replica at a time.
#[component]
pub fn JobsPage() -> impl IntoView {
    let flash = take_flash(FORM);
    admin_page(move |request| page(request, flash))
}

async fn page(request: PageRequest, flash: FormState) -> Result<impl IntoView, PageError> {
    let state = request.parameter("state").and_then(|word| JobState::from_word(&word));
    let position = request.position().unwrap_or_default();
    let mut conn = request.state.db.read_for_report().await?;
    let found = jobs(&mut conn, state, position, ROWS, request.now).await?;
    let counts = JobCounts::read(&mut conn, request.now).await?;
    let leases = lease::all(&mut conn).await?;
    drop(conn);

    let subtitle = format!(
        "{} waiting, {} running, {} dead. Times are UTC.",
        format::count(counts.of(JobState::Waiting)),
        format::count(counts.of(JobState::Running)),
        format::count(counts.of(JobState::Dead)),
    );
    let link = |own: Option<(&str, &str)>| {
        let state = state.map(|state| ("state", state.as_str()));
        href(JOBS.path, state.into_iter().chain(own))
    };
    let all = Segment { label: "All".to_owned(), href: JOBS.path.to_owned(), current: state.is_none() };
    let choice = |of: JobState| Segment {
        label: words(of).to_owned(),
        href: href(JOBS.path, [("state", of.as_str())]),
        current: state == Some(of),
    };
    let segments: Vec<Segment> = [all].into_iter().chain(JobState::ALL.into_iter().map(choice)).collect();
    let list = match found.rows.is_empty() {
        true => Either::Left(view! { <NoJobs filtered=state.is_some() || position != Position::Newest/> }),
        false => {
            let Page { rows: jobs, newer, older } = found;
            let newer = newer.map(|id| link(Some(("after", &id.to_string()))));
            let older = older.map(|id| link(Some(("before", &id.to_string()))));
            let rows = jobs.into_iter().map(|job| view! { <JobRow job/> }).collect_view();
            Either::Right(view! {
                <Card title="Queue">
                    <DataTable caption="Jobs, newest first">
                        <thead>
                            <tr>
                                <Th label="Job"/><Th label="State"/><Th label="Tries"/><Th label="When"/><ActionTh/>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </DataTable>
                    <Pagination newer older/>
                </Card>
            })
        }
    };
    let now = request.now;
    Ok(view! {
        <AdminPage title=JOBS.title subtitle>
            <FormAlert message=flash.notice.clone() kind=AlertKind::Success/>
            <FormAlert message=flash.error("") kind=AlertKind::Error/>
            <div class="row"><Segmented label="State" segments=segments/></div>
            {list}
            <Card title="Repeated work"><LeaseTable leases now/></Card>
        </AdminPage>
    })
}

fn words(state: JobState) -> &'static str {
    match state {
        JobState::Waiting => "Waiting",
        JobState::Running => "Running",
        JobState::Dead => "Dead",
        JobState::Done => "Done",
    }
}

fn time(at: Timestamp) -> String {
    format::date_time(at, &TimeZone::UTC)
}

#[component]
fn JobRow(job: ListedJob) -> impl IntoView {
    let state = job.state();
    let tone = match state {
        JobState::Waiting => Tone::Plain,
        JobState::Running => Tone::Mark,
        JobState::Dead => Tone::Bad,
        JobState::Done => Tone::Good,
    };
    let when = match (state, job.ended_at) {
        (JobState::Waiting, _) => format!("Next try {}", time(job.due_at)),
        (JobState::Running, _) => "A worker has it".to_owned(),
        (JobState::Dead, Some(at)) => format!("Given up {}", time(at)),
        (_, Some(at)) => format!("Ended {}", time(at)),
        (_, None) => String::new(),
    };
    let id = job.id.to_string();
    let retry = (state == JobState::Dead).then(|| {
        let label = format!("Try the job {id} again");
        view! {
            <form method="post" action="/api/jobs/retry">
                <HiddenField name="id" value=id.clone()/>
                <button class="button small" type="submit" aria-label=label>"Retry"</button>
            </form>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <span class="line-title">{job.kind}</span>
                <span class="line-subtitle mono breakable">{id.clone()}</span>
            </th>
            <td class="breakable">
                <Tag label=words(state) tone/>
                {job.last_error.map(|why| view! { <span class="line-subtitle">{why}</span> })}
            </td>
            <td>{job.tries}</td>
            <td><TwoLines title=when subtitle=format!("Created {}", time(job.created_at))/></td>
            <td class="fit">{retry}</td>
        </tr>
    }
}

/// What the leases are for, by their names.
const WORK: [(&str, &str); 3] = [
    ("erase", "Erasing users"),
    ("retention", "Removing old data"),
    ("wipe", "Cleaning the database's files after erasures"),
];

/// The work that one replica does at a time, and which replica has it.
#[component]
fn LeaseTable(leases: Vec<ListedLease>, now: Timestamp) -> impl IntoView {
    if leases.is_empty() {
        return Either::Left(view! {
            <p class="muted">"Nothing has run yet. The first round begins ten minutes after the server's start."</p>
        });
    }
    let row = |lease: ListedLease| {
        let ListedLease { name, holder, leased_until, finished_at } = lease;
        let words = WORK
            .iter()
            .find(|(known, _)| *known == name)
            .map_or_else(|| name.clone(), |(_, words)| (*words).to_owned());
        let (state, tone, until) = match holder.filter(|_| leased_until > now) {
            Some(_) => ("Running", Tone::Mark, Some(format!("Lease until {}", time(leased_until)))),
            None if leased_until > now => ("Resting", Tone::Plain, Some(format!("Until {}", time(leased_until)))),
            None => ("Ready", Tone::Plain, None),
        };
        let holder = holder.filter(|_| leased_until > now).map_or_else(|| "Nobody".to_owned(), |id| id.to_string());
        view! {
            <tr>
                <th scope="row"><TwoLines title=words subtitle=name/></th>
                <td><Tag label=state tone/>{until.map(|until| view! { <span class="line-subtitle">{until}</span> })}</td>
                <td class="mono breakable">{holder}</td>
                <td>{finished_at.map_or_else(|| "Never".to_owned(), time)}</td>
            </tr>
        }
    };
    let rows = leases.into_iter().map(row).collect_view();
    Either::Right(view! {
        <DataTable caption="Work that runs on one replica at a time">
            <thead><tr><Th label="Work"/><Th label="State"/><Th label="Held by"/><Th label="Last done"/></tr></thead>
            <tbody>{rows}</tbody>
        </DataTable>
    })
}

#[component]
fn NoJobs(filtered: bool) -> impl IntoView {
    let (title, text) = match filtered {
        true => ("Nothing matches", "No job has this state."),
        false => ("No jobs yet", "Mails wait here until they are sent. Done jobs stay for 7 days, dead ones for 30."),
    };
    view! {
        <div class="card">
            <EmptyState title text>
                {filtered.then(|| view! { <a class="button" href=JOBS.path>"Show all jobs"</a> })}
            </EmptyState>
        </div>
    }
}
