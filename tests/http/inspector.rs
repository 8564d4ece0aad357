//! The inspector: what would become of an arrival. The page and the server function give the same answer.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::each_app;

const ADDRESS: &str = "https://shop.example/pricing?gclid=Abc#utm_term=shoes";

#[tokio::test]
async fn the_page_and_the_server_function_say_the_same() {
    each_app(async |app| {
        let admin = app.admin().await;
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("address", ADDRESS).finish();
        let page = admin.text(&format!("/admin/inspector?{query}")).await;
        let response = admin.post_json("/api/inspect", &[("address", ADDRESS)]).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let answer: Value = response.json().await.expect("JSON");
        let verdict = &answer["verdict"];
        assert_eq!((&verdict["good"], &verdict["title"]), (&json!(true), &json!("Captured")), "{answer}");
        let cards = answer["cards"].as_array().expect("cards").iter();
        let facts = cards.flat_map(|card| card["facts"].as_array().expect("facts"));
        let facts: Vec<(&str, &str)> =
            facts.filter_map(|fact| Some((fact["term"].as_str()?, fact["value"].as_str()?))).collect();
        for fact in [
            ("Channel", "Paid Search"),
            ("Source", "google"),
            ("Medium", "cpc"),
            ("Term", "shoes"),
            ("gclid", "Abc"),
            ("Landing page", "/pricing"),
        ] {
            assert!(facts.contains(&fact), "{fact:?}: {answer}");
        }
        for said in facts.into_iter().map(|(_, value)| value).chain(["Captured"]) {
            assert!(page.contains(said), "{said}: {page}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_form_holds_decides() {
    each_app(async |app| {
        let admin = app.admin().await;
        for (form, expected) in [
            (vec![("address", "no address")], "\"unreadable\":true"),
            (vec![("address", "")], "\"unreadable\":true"),
            (vec![("address", "/pricing")], "Nothing to capture"),
            (vec![("address", "/pricing"), ("linked_from", "https://www.google.com/")], "Organic Search"),
            (vec![("address", "/?utm_source=a&utm_medium=b"), ("agent", "curl/8.0")], "HTTP libraries"),
        ] {
            let response = admin.post_json("/api/inspect", &form).send().await.expect("an answer");
            let text = response.text().await.expect("text");
            assert!(text.contains(expected), "{form:?}: {text}");
        }
        let private = [("address", "/pricing?utm_source=news&gclid=Abc"), ("gpc", "1")];
        let text =
            admin.post_json("/api/inspect", &private).send().await.expect("an answer").text().await.expect("text");
        assert!(text.contains("Captured") && !text.contains("Abc"), "click ids are not kept: {text}");
        assert!(!text.contains("cpc"), "nor do they complete the link: {text}");
        assert_eq!(app.count("select count(*) from touches").await, 0, "nothing is stored");
    })
    .await;
}
