//! The page of the queue, for admins.

use reqwest::StatusCode;
use waymark::{db::sql, id::JobId};

use crate::{
    process::{command, run},
    support::{ADMIN, Browser, TestApp, each_app, header},
};

/// Adds a job, and returns its id.
async fn job(app: &TestApp, state: &'static str, running: bool, error: Option<&'static str>) -> JobId {
    let (id, now) = (JobId::new(), app.db.now());
    let due = if running { now + std::time::Duration::from_secs(200) } else { now };
    let insert = sql("insert into queued_jobs (id, kind, payload, state, created_at, due_at, tries, last_error, ended_at, started_at)
        values ($1, 'account_mail', $2, $3, $4, $5, 12, $6, $7, $8)")
    .bind(id)
    .bind("{\"email\":\"hidden@example.com\"}")
    .bind(state)
    .bind(now)
    .bind(due)
    .bind(error)
    .bind((state != "waiting").then_some(now))
    .bind(running.then_some(now));
    app.execute(insert).await;
    id
}

fn rows(page: &str) -> Vec<&str> {
    let table = page.rsplit_once("Jobs, newest first").map_or("", |(_, table)| table);
    table.split("</tbody>").next().unwrap_or_default().split("<tr>").skip(2).collect()
}

async fn retry(admin: &Browser, id: &str) -> String {
    let response = admin.post("/api/jobs/retry", &[("id", id)]).send().await.expect("an answer");
    assert_eq!((response.status(), header(&response, "location")), (StatusCode::SEE_OTHER, "/admin/jobs"));
    admin.text("/admin/jobs").await
}

#[tokio::test]
async fn admins_see_the_queue_and_try_a_dead_job_again() {
    each_app(async |app| {
        let admin = app.admin().await;
        let empty = admin.text("/admin/jobs").await;
        assert!(empty.contains("No jobs yet") && empty.contains("Repeated work"), "{empty}");
        let waiting = job(&app, "waiting", false, None).await;
        let running = job(&app, "waiting", true, None).await;
        let dead = job(&app, "dead", false, Some("550 <no such box>")).await;
        let done = job(&app, "done", false, None).await;
        let all = admin.text("/admin/jobs").await;
        assert_eq!(rows(&all).len(), 4);
        assert!(all.contains("1 waiting, 1 running, 1 dead") && all.contains("550 &lt;no such box&gt;"), "{all}");
        assert!(!all.contains("hidden@example.com"), "no address: {all}");
        for (state, id) in [("waiting", waiting), ("running", running), ("dead", dead), ("done", done)] {
            let page = admin.text(&format!("/admin/jobs?state={state}")).await;
            let rows = rows(&page);
            assert!(rows.len() == 1 && rows[0].contains(&id.to_string()), "{state}: {rows:?}");
            assert_eq!(rows[0].contains("/api/jobs/retry"), state == "dead", "{state}");
        }
        for no in [waiting, running, done, JobId::new()] {
            assert!(retry(&admin, &no.to_string()).await.contains("There is no such dead job."));
        }
        assert!(retry(&admin, "x").await.contains("There is no such dead job."));
        assert!(retry(&admin, &dead.to_string()).await.contains("The job is tried again."));
        let again = "select count(*) from queued_jobs where state = 'waiting' and tries = 0 and ended_at is null";
        assert_eq!(app.count(again).await, 1);
        let entry = format!(
            "select count(*) from audit_entries where action = 'jobs_retried' and target = '{dead}' and actor_email = '{ADMIN}'"
        );
        assert_eq!(app.count(entry).await, 1);
    })
    .await;
}

#[tokio::test]
async fn pages_of_jobs_follow_each_other() {
    each_app(async |app| {
        let admin = app.admin().await;
        let mut ids = Vec::new();
        for _ in 0..120 {
            ids.push(job(&app, "dead", false, None).await.to_string());
        }
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let shown = |page: &str| {
            rows(page)
                .iter()
                .map(|row| ids.iter().position(|id| row.contains(id.as_str())).expect("a job"))
                .collect::<Vec<_>>()
        };
        let link = |page: &str, name: &str| {
            let at = page.find(&format!("?state=dead&amp;{name}="))?;
            Some(format!("/admin/jobs{}", page[at..].split('"').next().expect("a link").replace("&amp;", "&")))
        };
        let mut page = admin.text("/admin/jobs?state=dead").await;
        assert_eq!((shown(&page), link(&page, "after")), ((0..50).collect(), None));
        page = admin.text(&link(&page, "before").expect("older jobs")).await;
        assert_eq!(shown(&page), (50..100).collect::<Vec<_>>());
        let last = admin.text(&link(&page, "before").expect("older jobs")).await;
        assert_eq!((shown(&last), link(&last, "before")), ((100..120).collect(), None));
        let back = admin.text(&link(&last, "after").expect("newer jobs")).await;
        assert_eq!(shown(&back), (50..100).collect::<Vec<_>>());
        assert!(admin.text("/admin/jobs?before=x").await.contains("120 dead"));
    })
    .await;
}

#[tokio::test]
async fn the_command_line_counts_in_words() {
    each_app(async |app| {
        let jobs = |what: &str| {
            let mut command = command(&app.database.url);
            command.args(["jobs", what]);
            run(command, "").text
        };
        let list = jobs("list");
        assert!(list.contains("0 jobs wait.") && list.contains("0 jobs were given up."), "{list}");
        assert!(jobs("retry").contains("0 jobs are tried again."));
        job(&app, "waiting", false, None).await;
        job(&app, "dead", false, Some("no such box")).await;
        let list = jobs("list");
        assert!(list.contains("1 job waits.") && list.contains("1 job was given up:"), "{list}");
        assert!(list.contains("  12 tries  ") && list.contains("no such box"), "{list}");
        assert!(jobs("retry").contains("1 job is tried again."));
        assert!(jobs("list").contains("2 jobs wait."));
        assert_eq!(app.count("select count(*) from audit_entries where action = 'jobs_retried'").await, 1);
    })
    .await;
}

#[tokio::test]
async fn who_holds_which_lease_is_shown() {
    each_app(async |app| {
        let (admin, now) = (app.admin().await, app.db.now());
        for (name, holder, until) in
            [("erase", Some(JobId::NIL.as_uuid()), 100), ("retention", None, 100), ("wipe", None, 0)]
        {
            let lease = sql("insert into jobs (name, holder, leased_until, finished_at) values ($1, $2, $3, $4)");
            let until = now + std::time::Duration::from_secs(until);
            app.execute(lease.bind(name).bind(holder).bind(until).bind(now)).await;
        }
        let page = admin.text("/admin/jobs").await;
        let of = |name: &str| {
            page.split(&format!(">{name}<")).nth(1).and_then(|rest| rest.split("</tr>").next()).expect("a row")
        };
        assert!(of("erase").contains("Running") && of("erase").contains("00000000-0000"), "{page}");
        assert!(of("retention").contains("Resting") && of("retention").contains("Nobody"), "{page}");
        assert!(of("wipe").contains("Ready"), "{page}");
    })
    .await;
}
