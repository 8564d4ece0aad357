//! Whatever a visitor sends, admin pages show it as text, and the database takes it as text. `end2end/tests/hostile.spec.ts` opens
//! such pages in a browser.

use form_urlencoded::Serializer;
use reqwest::StatusCode;
use waymark::db::sql;

use crate::{
    conversions::Sender,
    support::{Browser, PASSWORD, Setup, TestApp, each_app_with},
};

/// Markup, code and SQL.
const PAYLOADS: [&str; 30] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<math><mtext></mtext><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "--></style><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<template><script>alert(1)</script></template>",
    "<base href=\"//evil.example/\">",
    "<form action=\"//evil.example/\"><input name=\"p\">",
    "<meta http-equiv=\"refresh\" content=\"0;url=//evil.example\">",
    "<link rel=\"stylesheet\" href=\"//evil.example/x.css\">",
    "<object data=\"//evil.example\"></object>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "<scr<script>ipt>alert(1)</script>",
    "<svg><animate onbegin=\"alert(1)\" attributeName=\"x\">",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "{\"a\":\"</script><script>alert(1)</script>\"}",
    "'; drop table touches; --",
    "\" or \"\"=\"",
    "1' union select password_hash from users --",
    "%' escape '' --",
    "$1::text || (select version())",
];

/// Where a visitor's text is shown. `{text}` stands for a payload.
const PAGES: [&str; 14] = [
    "/admin?period=all",
    "/admin?period=all&campaign={text}",
    "/admin/campaigns?period=all",
    "/admin/campaigns?period=all&source={text}&medium={text}",
    "/admin/leads?period=all",
    "/admin/leads?period=all&q={text}",
    "/admin/conversions?period=all",
    "/admin/conversions?period=all&kind={text}",
    "/admin/models?period=all",
    "/admin/models?period=all&model={text}",
    "/admin/quality?period=all",
    "/admin/referrals",
    "/admin/inspector?url=http%3A%2F%2Fx.example%2F%3Futm_source%3D{text}%26gclid%3D{text}&referrer={text}",
    "/admin/leads?period={text}&from={text}&tz={text}&channel={text}&term={text}&content={text}",
];

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn setup() -> Setup {
    Setup { variables: vec![("ATTRIBUTION_CUSTOM_TAGS", "plan".into())], ..Setup::default() }
}

/// Arrives with a payload in every part of the request that is stored, and signs up.
async fn arrive(app: &TestApp, n: usize, payload: &str) -> (Browser, String) {
    let browser = app.browser();
    let mut query = Serializer::new(String::new());
    let names = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "gclid", "plan"];
    for name in names {
        query.append_pair(name, payload);
    }
    let path = format!("/{}?{}", encoded(payload), query.finish());
    let referrer = format!("https://elsewhere.example/{}", encoded(payload));
    let status = browser.get(&path).header("referer", referrer).send().await.expect("an answer").status();
    assert_eq!(status, StatusCode::NOT_FOUND, "a missing page counts as a landing");
    // What an address may hold of a payload.
    let local: String = payload.chars().filter(|c| c.is_ascii_alphanumeric() || "&'=/{}$|*!%#".contains(*c)).collect();
    let email = format!("{n}{}@evil.example", &local[..local.len().min(40)]);
    let form = [("email", email.as_str()), ("password", PASSWORD)];
    let response = browser.post("/api/register", &form).send().await.expect("an answer");
    assert_eq!(response.headers()["location"], "/account", "{email}");
    (browser, email)
}

/// A start tag of a page: its name, and its attributes with their values.
struct Tag<'p> {
    name: String,
    attributes: Vec<(String, &'p str)>,
}

/// Reads the start tags of a page, as a browser finds them. What stands in a script is not a tag.
fn tags(page: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
        if end == 0 {
            continue;
        }
        let mut tag = Tag { name: rest[..end].to_ascii_lowercase(), attributes: Vec::new() };
        rest = &rest[end..];
        loop {
            rest = rest.trim_start_matches([' ', '\n', '\t', '/']);
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let end = rest.find(['=', '>', ' ', '/', '\n']).unwrap_or(rest.len()).max(1);
            let name = rest[..end].to_ascii_lowercase();
            rest = &rest[end..];
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
                let inner = &after[quote.map_or(0, char::len_utf8)..];
                let end =
                    quote.map_or_else(|| inner.find([' ', '>']), |quote| inner.find(quote)).unwrap_or(inner.len());
                value = &inner[..end];
                rest = inner[end..].strip_prefix(['"', '\'']).unwrap_or(&inner[end..]);
            }
            tag.attributes.push((name, value));
        }
        if tag.name == "script" {
            rest = rest.split_once("</script>").map_or("", |(_, rest)| rest);
        }
        tags.push(tag);
    }
    tags
}

/// Fails if a page has an element or an attribute that only a payload brings.
fn check(page: &str, path: &str) {
    let tags = tags(page);
    assert!(tags.iter().any(|tag| tag.name == "main"), "{path} is a page");
    for Tag { name, attributes } in tags {
        let foreign = ["iframe", "math", "mtext", "template", "base", "object", "animate", "scr", "img"];
        assert!(!foreign.contains(&name.as_str()), "{path}: <{name}>");
        let has = |wanted: &str| attributes.iter().any(|(attribute, _)| attribute == wanted);
        assert!(name != "script" || has("nonce") || has("src"), "{path}: a script without a nonce");
        assert!(name != "meta" || !has("http-equiv"), "{path}: a meta tag that redirects");
        for (attribute, value) in &attributes {
            assert!(!attribute.starts_with("on") && attribute != "srcdoc", "{path}: <{name} {attribute}>");
            let code = value.trim().to_ascii_lowercase().starts_with("javascript:");
            assert!(!code && !value.starts_with("//"), "{path}: <{name} {attribute}={value}>");
        }
    }
}

#[tokio::test]
async fn no_page_shows_a_visitors_text_as_markup() {
    each_app_with(setup, async |app| {
        let admin = app.admin().await;
        let checkout = Sender::new(&app, "checkout").await;
        for (n, payload) in PAYLOADS.iter().enumerate() {
            let (browser, email) = arrive(&app, n, payload).await;
            let report = serde_json::json!({
                "user_email": email, "kind": "purchase", "value": 100, "currency": "EUR",
                "external_id": payload,
            });
            checkout.send(&report).await;
            let account = browser.text("/account").await;
            check(&account, "/account");
        }
        for payload in PAYLOADS {
            for page in PAGES {
                let path = page.replace("{text}", &encoded(payload));
                let response = admin.get(&path).send().await.expect("an answer");
                assert!(response.status().as_u16() < 500, "{path}: {}", response.status());
                check(&response.text().await.expect("text"), &path);
            }
        }
        let leads: Vec<(uuid::Uuid, uuid::Uuid)> =
            sql("select id, user_id from lead_sources").fetch_all(&mut app.conn().await).await.expect("rows");
        assert_eq!(leads.len(), PAYLOADS.len(), "every landing is stored as text");
        for (lead, user) in leads {
            for path in [format!("/admin/leads/{lead}"), format!("/admin/users/{user}/journey")] {
                check(&admin.text(&path).await, &path);
            }
        }
        // The text itself is there.
        let page = admin.text("/admin/campaigns?period=all").await;
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
    })
    .await;
}

#[test]
fn markup_that_a_payload_brings_is_found() {
    let fine =
        "<main><a href=\"/x?q=&quot; onx=&quot;\">a < b \" onclick=\"</a><script nonce=\"n\">'<img>'</script></main>";
    check(fine, "a fine page");
    let brings_markup =
        |payload: &&&str| payload.contains("<s") && !payload.starts_with("<!--") || payload.contains("\" on");
    for payload in PAYLOADS.iter().filter(brings_markup) {
        let page = format!("<main><p title=\"{payload}\">{payload}</p></main>");
        assert!(std::panic::catch_unwind(|| check(&page, "a page")).is_err(), "{payload}");
    }
}
