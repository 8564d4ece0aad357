//! The example to copy: projects of a user.

use reqwest::StatusCode;
use waymark::{
    db::sql,
    id::{ProjectId, UserId},
    projects::store::MOST,
};

use crate::support::{Browser, each_app, header};

const NO_ID: &str = "01890000-0000-7000-8000-000000000000";

async fn save(browser: &Browser, id: &str, name: &str, note: &str) -> String {
    let form = [("id", id), ("name", name), ("note", note)];
    let answer = browser.post("/api/projects", &form).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    header(&answer, "location").to_owned()
}

/// Returns the id in the first link of the list.
async fn newest(browser: &Browser) -> String {
    let list = browser.text("/projects").await;
    let (_, rest) = list.split_once("href=\"/projects/0").expect("a row");
    format!("0{}", &rest[..35])
}

#[tokio::test]
async fn a_user_makes_changes_and_deletes_a_project() {
    each_app(async |app| {
        let maria = app.browser();
        maria.open("/?utm_source=news&utm_medium=email&utm_campaign=spring").await;
        maria.register("maria@example.com").await;
        assert!(maria.text("/projects").await.contains("No projects here"));
        assert_eq!(save(&maria, "", " Shop <b> ", "").await, "/projects");
        let list = maria.text("/projects").await;
        assert!(list.contains("The project is saved.") && list.contains("Shop &lt;b&gt;"), "{list}");
        let id = newest(&maria).await;
        assert!(maria.text(&format!("/projects/{id}")).await.contains("value=\"Shop &lt;b&gt;\""));
        assert_eq!(save(&maria, &id, "Bakery", "bread & cakes").await, "/projects");
        let list = maria.text("/projects").await;
        assert!(
            list.contains("Bakery") && list.contains("bread &amp; cakes") && !list.contains("Shop &lt;b&gt;"),
            "{list}"
        );
        maria.post("/api/projects/delete", &[("id", &id)]).send().await.expect("an answer");
        assert!(maria.text("/projects").await.contains("No projects here"));
        assert_eq!(maria.open(&format!("/projects/{id}")).await, StatusCode::NOT_FOUND);
        // The first project is a conversion of the user whom the campaign brought, and deleting the project does not take it back.
        let of_the_campaign = "select count(*) from conversions c join lead_sources l on l.user_id = c.user_id
            where c.kind = 'project' and l.campaign = 'spring'";
        assert_eq!(app.count(of_the_campaign).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays() {
    each_app(async |app| {
        let maria = app.member("maria@example.com").await;
        assert_eq!(save(&maria, "", "Shop", "").await, "/projects");
        let (long_name, long_note) = ("x".repeat(81), "y".repeat(501));
        for (name, note, words) in [
            ("", "kept", "Enter a name."),
            (" \t", "kept", "Enter a name."),
            (long_name.as_str(), "kept", "Use at most 80 characters."),
            ("Other", long_note.as_str(), "Use at most 500 characters."),
            ("a\0b", "kept", "Leave out line breaks and hidden characters."),
            (" Shop ", "kept", "You have a project with this name."),
        ] {
            assert_eq!(save(&maria, "", name, note).await, "/projects/new");
            let form = maria.text("/projects/new").await;
            assert!(form.contains(words) && (note != "kept" || form.contains("value=\"kept\"")), "{words}: {form}");
        }
        save(&maria, "", "Other", "").await;
        let id = newest(&maria).await;
        assert_eq!(save(&maria, &id, "Shop", "").await, format!("/projects/{id}"));
        assert!(maria.text(&format!("/projects/{id}")).await.contains("You have a project with this name."));
        assert_eq!(app.count("select count(*) from projects").await, 2);
        let bob = app.member("bob@example.com").await;
        assert_eq!(save(&bob, "", "Shop", "").await, "/projects", "a name is taken for its user alone");
    })
    .await;
}

#[tokio::test]
async fn nobody_sees_or_changes_another_user_s_project() {
    each_app(async |app| {
        let (maria, eve, anonymous) =
            (app.member("maria@example.com").await, app.member("eve@example.com").await, app.browser());
        save(&maria, "", "Secret plan", "hidden").await;
        let id = newest(&maria).await;
        for path in ["/projects".to_owned(), "/projects/new".into(), format!("/projects/{id}")] {
            let answer = anonymous.get(&path).send().await.expect("an answer");
            assert!(header(&answer, "location").starts_with("/login?next=%2Fprojects"), "{path}");
            assert!(!eve.text(&path).await.contains("Secret"), "{path}");
        }
        for other in [id.as_str(), NO_ID, "1", "%00", "' or 1=1 --"] {
            assert_eq!(save(&eve, other, "Mine now", "").await, "/projects");
            assert!(eve.text("/projects").await.contains("There is no such project."), "{other}");
            eve.post("/api/projects/delete", &[("id", other)]).send().await.expect("an answer");
            assert!(eve.text("/projects").await.contains("There is no such project."), "{other}");
            let page = eve.open(&format!("/projects/{}", other.replace(' ', "+"))).await;
            assert!(page.is_client_error(), "{other}: {page}");
        }
        assert!(maria.text("/projects").await.contains("Secret plan"));
    })
    .await;
}

#[tokio::test]
async fn a_long_list_has_pages() {
    each_app(async |app| {
        let maria = app.member("maria@example.com").await;
        for number in 1..=41 {
            save(&maria, "", &format!("Project no. {number}."), "").await;
        }
        let (mut path, mut seen) = ("/projects".to_owned(), Vec::new());
        loop {
            let page = maria.text(&path).await;
            let numbers = page.split("Project no. ").skip(1).filter_map(|rest| rest.split('.').next()?.parse().ok());
            seen.extend(numbers.collect::<Vec<u32>>());
            let Some((_, rest)) = page.split_once("href=\"/projects?before=") else { break };
            path = format!("/projects?before={}", &rest[..36]);
        }
        assert_eq!(seen, (1..=41).rev().collect::<Vec<_>>());
        assert!(maria.text(&format!("/projects?before={NO_ID}")).await.contains("Newest"));
        assert_eq!(maria.open("/projects?before=nonsense").await, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_user_has_only_so_many_and_counts_once() {
    each_app(async |app| {
        let maria = app.member("maria@example.com").await;
        for name in ["one", "two"] {
            save(&maria, "", name, "").await;
        }
        assert_eq!(app.count("select count(*) from conversions where kind = 'project'").await, 1);
        let (user,): (UserId,) = sql("select id from users").fetch_one(&mut app.conn().await).await.expect("a user");
        for number in 2..MOST {
            let add = sql("insert into projects (id, user_id, name, note, created_at) values ($1, $2, $3, '', 1)");
            app.execute(add.bind(ProjectId::new()).bind(user).bind(format!("filling {number}"))).await;
        }
        assert_eq!(save(&maria, "", "one more", "").await, "/projects/new");
        assert!(maria.text("/projects/new").await.contains("more are not possible"));
        assert_eq!(app.count("select count(*) from projects").await, i64::from(MOST));
    })
    .await;
}
