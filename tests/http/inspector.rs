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
        let arrival = &answer["Arrival"];
        assert_eq!(arrival["verdict"], json!({ "Captured": { "by_beacon": true } }), "{answer}");
        assert_eq!(arrival["channel"], "Paid Search", "{answer}");
        let fields = arrival["fields"].as_array().expect("fields").iter();
        let fields: Vec<&str> = fields.filter_map(|field| field["value"].as_str()).collect();
        assert_eq!(fields, ["google", "cpc", "shoes", "Abc"]);
        let rule = arrival["rule"]["name"].as_str().expect("a rule");
        for said in fields.into_iter().chain(["Captured", "Paid Search", rule, "/pricing"]) {
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
            (vec![("address", "no address")], "Unreadable"),
            (vec![("address", "")], "Unreadable"),
            (vec![("address", "/pricing")], "NothingToCapture"),
            (vec![("address", "/pricing?gclid=Abc"), ("gpc", "1")], "NothingToCapture"),
            (vec![("address", "/pricing"), ("linked_from", "https://www.google.com/")], "Organic Search"),
            (vec![("address", "/?utm_source=a&utm_medium=b"), ("agent", "curl/8.0")], "HTTP libraries"),
        ] {
            let response = admin.post_json("/api/inspect", &form).send().await.expect("an answer");
            let text = response.text().await.expect("text");
            assert!(text.contains(expected), "{form:?}: {text}");
        }
        assert_eq!(app.count("select count(*) from touches").await, 0, "nothing is stored");
    })
    .await;
}
