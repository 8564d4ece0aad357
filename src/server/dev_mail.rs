//! `GET /dev/mail`: the mails that a developer's machine keeps instead of sending them. Release builds do not have this file.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use leptos::prelude::{ClassAttribute, CollectView, ElementChild, IntoView, RenderHtml, view};

use crate::{
    components::{assets, format},
    mail::{
        Route,
        deliver::kept::{self, KeptMail},
    },
    site::NAME,
    state::AppState,
};

/// The mails' own styles are allowed, and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
);

/// An empty icon. Without one, browsers ask for `/favicon.ico`, which is not there.
const NO_ICON: &str = "<head>\n<link rel=\"icon\" href=\"data:,\">";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/dev/mail", get(list))
        .route("/dev/mail/{id}", get(html))
        .route("/dev/mail/{id}/text", get(text))
}

async fn mails(state: AppState) -> Vec<KeptMail> {
    let Some(Route::Folder(folder)) = state.config.mail.route.clone() else { return Vec::new() };
    tokio::task::spawn_blocking(move || kept::all(&folder)).await.unwrap_or_default()
}

async fn list(State(state): State<AppState>) -> Response {
    // With hash-files, the address of the style sheet has a hash, which `css()` does not know before the first page of Leptos.
    let css = assets::assets(&state.options).css.clone();
    let mails = mails(state).await;
    let rows = mails.iter().map(|mail| {
        let KeptMail { id, at, to, subject, .. } = mail.clone();
        view! {
            <tr>
                <td><a href=format!("/dev/mail/{id}")>{subject}</a></td>
                <td>{to}</td>
                <td class="nowrap">{format::rfc3339(at)}</td>
                <td><a href=format!("/dev/mail/{id}/text")>"Text"</a></td>
            </tr>
        }
    });
    let table = view! {
        <table>
            <thead><tr><th scope="col">"Subject"</th><th scope="col">"To"</th><th scope="col">"Sent"</th><th scope="col">"Text part"</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    };
    let shown = match mails.is_empty() {
        true => "<p class=\"muted\">No mail was sent yet. Create an account, and its mail appears here.</p>".to_owned(),
        false => format!("<div class=\"card\"><div class=\"table-scroll\">{}</div></div>", table.into_view().to_html()),
    };
    Html(format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<script src="/theme.js"></script>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{css}">
<title>Mail · {NAME}</title>
</head>
<body>
<main id="main"><div class="wrap admin">
<div class="page-head"><div><h1>Mail</h1>
<p class="muted">Mail that this development server kept instead of sending it. Set MAIL_URL to send mail. <a href="/">Home</a></p></div></div>
{shown}
</div></main>
</body>
</html>
"#
    ))
    .into_response()
}

async fn find(state: AppState, id: &str) -> Option<KeptMail> {
    mails(state).await.into_iter().find(|mail| mail.id.to_string() == id)
}

async fn html(State(state): State<AppState>, Path(id): Path<String>) -> Response {
    let Some(mail) = find(state, &id).await else { return StatusCode::NOT_FOUND.into_response() };
    let policy = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    ];
    (policy, Html(mail.html.replacen("<head>", NO_ICON, 1))).into_response()
}

async fn text(State(state): State<AppState>, Path(id): Path<String>) -> Response {
    match find(state, &id).await {
        Some(mail) => format!("To: {}\nSubject: {}\n\n{}", mail.to, mail.subject, mail.text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
