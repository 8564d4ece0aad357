use axum::http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::{
    components::{PublicPage, Section, assets, header::Logo},
    site::NAME,
};

/// What an error page says: never what went wrong inside the server.
struct Words {
    title: &'static str,
    text: &'static str,
}

impl Words {
    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => {
                Self { title: "Page not found", text: "The address may be mistyped, or the page was removed." }
            }
            StatusCode::FORBIDDEN => Self {
                title: "This page is not for your account",
                text: "Only administrators can open it. If you are one, sign in with your administrator account.",
            },
            StatusCode::TOO_MANY_REQUESTS => {
                Self { title: "Too many attempts", text: "Wait a few minutes, then try again." }
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                Self { title: "Not available right now", text: "Try again in a few seconds." }
            }
            status if status.is_client_error() => {
                Self { title: "That request did not work", text: "Go back, check what you entered, and try again." }
            }
            _ => Self {
                title: "Something went wrong",
                text: "This is our mistake, and it has been logged. Please try again.",
            },
        }
    }
}

/// A whole page for an error. The page sets the response's status.
#[component]
pub fn ErrorPage(status: StatusCode) -> impl IntoView {
    // there is no response while Leptos lists the routes
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
    let Words { title, text } = Words::of(status);
    view! {
        <PublicPage title section=Section::None>
            <div class="error-page">
                <p class="error-status">{status.as_u16()}</p>
                <h1>{title}</h1>
                <p class="muted">{text}</p>
                <p class="row"><a class="button primary" href="/">"Go to the home page"</a></p>
            </div>
        </PublicPage>
    }
}

/// The page for addresses that match no route.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <ErrorPage status=StatusCode::NOT_FOUND/> }
}

/// Returns an error page as HTML text, for layers that answer without Leptos: after a panic, or for a refused request.
///
/// The page shows `request_id`, so that people who report the error can name the request. The caller sets the status.
pub fn static_error_page(status: StatusCode, request_id: Option<&str>) -> String {
    let Words { title, text } = Words::of(status);
    let code = status.as_u16();
    let css = assets::css();
    let logo = view! { <Logo/> }.to_html();
    let reference = request_id
        .map(|id| format!(r#"<p class="muted small">Reference: <code>{}</code></p>"#, escape(id)))
        .unwrap_or_default();
    format!(
        r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<script src="/theme.js"></script>
<link rel="stylesheet" href="{css}">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<title>{title} · {NAME}</title>
</head>
<body>
<header class="site-header"><div class="wrap">
<a class="brand" href="/" aria-label="{NAME}, home">{logo}{NAME}</a>
</div></header>
<main id="main"><div class="error-page">
<p class="error-status">{code}</p>
<h1>{title}</h1>
<p class="muted">{text}</p>
{reference}
<p class="row"><a class="button primary" href="/">Go to the home page</a></p>
</div></main>
</body>
</html>
"##
    )
}

/// Escapes text for HTML, so that a page is safe with any id.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_static_page_names_the_request_and_escapes_it() {
        let page = static_error_page(StatusCode::INTERNAL_SERVER_ERROR, Some("<b>01\"&"));
        assert!(page.contains("<code>&lt;b&gt;01&quot;&amp;</code>"), "{page}");
        assert!(page.contains("500") && page.contains("Something went wrong"));
        assert!(!static_error_page(StatusCode::NOT_FOUND, None).contains("Reference"));
    }

    #[test]
    fn the_content_security_policy_would_let_it_through() {
        let page = static_error_page(StatusCode::SERVICE_UNAVAILABLE, None);
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("onload"));
    }
}
