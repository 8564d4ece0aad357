//! The look of all mails: change it here. Mail programs know little CSS, so tables make the layout, and each element has its
//! style. The colours are the site's (`style/main.css`). Programs that follow the system's dark scheme use the rules in [`DARK`];
//! others show the light colours.

use super::letter::{Letter, Part};
use crate::site::NAME;

const FONT: &str = "font-family:ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif;";

const DARK: &str = "@media (prefers-color-scheme:dark){
.paper{background-color:#12141a!important}
.card{background-color:#191c24!important;border-color:#2a2e38!important}
.ink{color:#e9e8e4!important}
.soft{color:#9aa1ad!important}
.mark{background-color:#fb923c!important}
.button{background-color:#fb923c!important;color:#1a1006!important}
.post{background-color:#e9e8e4!important}
}
@media (max-width:480px){.card{padding:24px 20px!important}}";

impl Letter {
    /// Returns the HTML part.
    pub fn to_html(&self, site_url: &str) -> String {
        document(self, site_url)
    }
}

fn document(letter: &Letter, site_url: &str) -> String {
    let title = escape(&letter.subject);
    let parts: String = letter.parts.iter().map(part).collect();
    let reason = escape(&letter.reason);
    let site = escape(site_url);
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>
:root{{color-scheme:light dark;supported-color-schemes:light dark}}
{DARK}
</style>
</head>
<body class="paper" style="margin:0;padding:0;background-color:#faf9f6;-webkit-text-size-adjust:100%;">
<table role="presentation" class="paper" width="100%" cellpadding="0" cellspacing="0" border="0" style="background-color:#faf9f6;"><tbody><tr><td align="center" style="padding:32px 12px;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:520px;"><tbody>
<tr><td style="padding:0 4px 16px;">{logo}</td></tr>
<tr><td class="card" style="background-color:#ffffff;border:1px solid #e6e3dc;border-radius:10px;padding:32px;">
<h1 class="ink" style="{FONT}margin:0 0 16px;font-size:20px;line-height:1.3;font-weight:600;color:#1a1d24;">{title}</h1>
{parts}</td></tr>
<tr><td class="soft" style="{FONT}padding:16px 4px 0;font-size:13px;line-height:1.5;color:#5d6470;">{reason}<br><a class="soft" href="{site}" style="color:#5d6470;">{site}</a></td></tr>
</tbody></table>
</td></tr></tbody></table>
</body>
</html>
"#,
        logo = logo(),
    )
}

fn part(part: &Part) -> String {
    match part {
        Part::Text(text) => {
            let text = with_link(text);
            format!(
                "<p class=\"ink\" style=\"{FONT}margin:0 0 16px;font-size:15px;line-height:1.55;color:#1a1d24;overflow-wrap:anywhere;\">{text}</p>\n"
            )
        }
        Part::Button { label, url } => {
            let (label, url) = (escape(label), escape(url));
            format!(
                "<p style=\"margin:8px 0 20px;\"><a class=\"button\" href=\"{url}\" style=\"{FONT}display:inline-block;padding:10px 18px;font-size:15px;font-weight:600;line-height:1.3;border-radius:6px;background-color:#c2410c;color:#ffffff;text-decoration:none;\">{label}</a></p>\n\
                 <p class=\"soft\" style=\"{FONT}margin:0 0 16px;font-size:13px;line-height:1.5;color:#5d6470;overflow-wrap:anywhere;\">{url}</p>\n"
            )
        }
    }
}

/// Returns a paragraph as HTML. An address of the web at its end becomes a link: many mail programs do not make one by themselves.
fn with_link(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((before, url)) if url.starts_with("https://") || url.starts_with("http://") => {
            let (before, url) = (escape(before), escape(url));
            format!("{before} <a class=\"ink\" href=\"{url}\" style=\"color:#1a1d24;\">{url}</a>")
        }
        _ => escape(text),
    }
}

/// The logo: a sign on its post, made of two table cells, because a mail loads no image.
fn logo() -> String {
    format!(
        "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tbody><tr><td style=\"padding-right:8px;\">\
<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tbody><tr><td class=\"mark\" width=\"20\" height=\"11\" style=\"background-color:#c2410c;border-radius:3px;font-size:0;line-height:0;\">&nbsp;</td></tr>\
<tr><td align=\"center\" height=\"10\" style=\"font-size:0;line-height:0;\"><div class=\"post\" style=\"width:3px;height:10px;margin:0 auto;background-color:#1a1d24;\">&nbsp;</div></td></tr></tbody></table></td>\
<td class=\"ink\" style=\"{FONT}font-size:16px;font-weight:600;color:#1a1d24;\">{NAME}</td></tr></tbody></table>"
    )
}

/// Escapes text for HTML and for attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
