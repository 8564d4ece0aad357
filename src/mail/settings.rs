//! Where mail goes, from the environment:
//!
//! | `MAIL_URL` | mail goes |
//! |---|---|
//! | `smtp://user:password@mail.example.com` | to port 587, over TLS that begins with STARTTLS |
//! | `smtps://user:password@mail.example.com` | to port 465, over TLS from the first byte |
//! | `smtp://127.0.0.1:25` | to a server beside this one; over TLS if the server offers it |
//! | `file:/var/spool/waymark` | into a folder, a file a mail |
//! | not set, in development | into the folder `mail` beside the database, which `/dev/mail` shows |
//! | not set, in production | nowhere, and pages offer nothing that needs mail |
//!
//! `?tls=required`, `?tls=opportunistic` or `?tls=none` at the end of an `smtp://` address says what else applies. Reserved
//! characters of user and password are percent-encoded: `p@ss` → `p%40ss`.

use std::{fmt, path::PathBuf};

use axum::http::Uri;
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;

use crate::{site::NAME, variables::Variables};

/// Where mail goes, and its sender.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// Where mail goes. `None`: nowhere.
    pub route: Option<Route>,
    /// Whether `MAIL_URL` is set. Otherwise mail of a developer's machine is kept to be looked at.
    pub configured: bool,
    /// `MAIL_FROM`: who mail is from.
    pub from: Mailbox,
}

/// A way for mail to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Smtp(Smtp),
    Folder(PathBuf),
}

/// An SMTP server.
#[derive(Clone, PartialEq, Eq)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub login: Option<(String, String)>,
}

/// Logs show no password.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Whether a connection to an SMTP server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte.
    Always,
    /// After STARTTLS, and no mail is sent without.
    Required,
    /// After STARTTLS if the server offers it.
    Opportunistic,
    Never,
}

impl MailSettings {
    /// Reads the variables. `kept_in` is where mail of a developer's machine goes without `MAIL_URL`.
    pub fn read(variables: &mut Variables, site_url: &str, kept_in: Option<PathBuf>) -> Self {
        let route = variables.value("MAIL_URL", parse_url);
        let configured = route.is_some();
        let from = variables.value("MAIL_FROM", parse_from).unwrap_or_else(|| default_from(site_url));
        Self { route: route.or_else(|| kept_in.map(Route::Folder)), configured, from }
    }
}

/// Never repeats a value, which may hold a password.
fn parse_url(url: &str) -> Result<Route, String> {
    if let Some(folder) = url.strip_prefix("file:") {
        let folder = folder.strip_prefix("//").unwrap_or(folder);
        return match folder.is_empty() {
            true => Err("must name a folder, like file:data/mail".into()),
            false => Ok(Route::Folder(folder.into())),
        };
    }
    let wrong = || {
        "must be like smtp://user:password@mail.example.com, smtps://user:password@mail.example.com or file:data/mail; reserved \
         characters of user and password are percent-encoded"
            .to_owned()
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let implicit = match uri.scheme_str() {
        Some("smtps") => true,
        Some("smtp") => false,
        _ => return Err(wrong()),
    };
    let authority = uri.authority().filter(|_| matches!(uri.path(), "" | "/")).ok_or_else(wrong)?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err(wrong());
    }
    let login = match authority.as_str().rsplit_once('@') {
        None => None,
        Some((login, _)) => {
            let (user, password) = login.split_once(':').ok_or_else(wrong)?;
            let decoded =
                |text| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| wrong());
            Some((decoded(user)?, decoded(password)?))
        }
    };
    let is_near = host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    let tls = match (uri.query(), implicit) {
        (None, true) => Tls::Always,
        // A password must not be sent for everybody to read, even if somebody on the way hides that the server knows STARTTLS.
        (None, false) if login.is_some() && !is_near => Tls::Required,
        (None, false) | (Some("tls=opportunistic"), false) => Tls::Opportunistic,
        (Some("tls=required"), false) => Tls::Required,
        (Some("tls=none"), false) => Tls::Never,
        _ => return Err("may end in ?tls=required, ?tls=opportunistic or ?tls=none, and only after smtp://".into()),
    };
    let default = match (implicit, login.is_some()) {
        (true, _) => 465,
        (false, true) => 587,
        (false, false) => 25,
    };
    Ok(Route::Smtp(Smtp { host, port: authority.port_u16().unwrap_or(default), tls, login }))
}

fn parse_from(value: &str) -> Result<Mailbox, String> {
    value.parse().map_err(|_| format!("must be like {NAME} <hello@example.com>, not {value:?}"))
}

/// Returns the sender without `MAIL_FROM`: `no-reply` at the site's host.
fn default_from(site_url: &str) -> Mailbox {
    let host = site_url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    // An address needs a name and not a number.
    let is_name = host.chars().any(|c| c.is_ascii_alphabetic()) && !host.contains(':');
    let domain = if is_name { host } else { "localhost" };
    let address = lettre::Address::new("no-reply", domain).or_else(|_| lettre::Address::new("no-reply", "localhost"));
    #[expect(clippy::expect_used, reason = "the last address is a constant")]
    Mailbox::new(Some(NAME.into()), address.expect("an address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(url: &str) -> Smtp {
        match parse_url(url) {
            Ok(Route::Smtp(smtp)) => smtp,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn an_address_says_port_and_encryption() {
        for (url, host, port, tls) in [
            ("smtp://u:p@mail.example.com", "mail.example.com", 587, Tls::Required),
            ("smtps://u:p@mail.example.com", "mail.example.com", 465, Tls::Always),
            ("smtp://mail.example.com", "mail.example.com", 25, Tls::Opportunistic),
            ("smtp://u:p@127.0.0.1:2525", "127.0.0.1", 2525, Tls::Opportunistic),
            ("smtp://[::1]:2525", "::1", 2525, Tls::Opportunistic),
            ("smtp://u:p@mail.example.com:25/?tls=none", "mail.example.com", 25, Tls::Never),
            ("smtp://u:p@mail.example.com?tls=opportunistic", "mail.example.com", 587, Tls::Opportunistic),
            ("smtp://localhost:1025?tls=required", "localhost", 1025, Tls::Required),
        ] {
            let found = smtp(url);
            assert_eq!((found.host.as_str(), found.port, found.tls), (host, port, tls), "{url}");
        }
        let login = smtp("smtp://me%40example.com:p%40ss%3A%2F@mail.example.com").login;
        assert_eq!(login, Some(("me@example.com".into(), "p@ss:/".into())));
        assert_eq!(parse_url("file:data/mail"), Ok(Route::Folder("data/mail".into())));
        assert_eq!(parse_url("file:///var/mail"), Ok(Route::Folder("/var/mail".into())));
    }

    #[test]
    fn a_mistake_never_repeats_the_address() {
        for wrong in [
            "mail.example.com",
            "http://u:secret@mail.example.com",
            "smtp://",
            "smtp://u:se/cret@mail.example.com",
            "smtp://secret@mail.example.com",
            "smtp://u:secret@mail.example.com/path",
            "smtps://u:secret@mail.example.com?tls=none",
            "smtp://u:secret@mail.example.com?tls=secret",
            "file:",
        ] {
            let why = parse_url(wrong).expect_err(wrong);
            assert!(!why.contains("secret"), "{wrong}: {why}");
        }
        assert!(!format!("{:?}", smtp("smtp://secret:secret@mail.example.com")).contains("secret"));
    }

    #[test]
    fn the_sender_has_a_default() {
        for (url, expected) in [
            ("https://www.shop.example", "Waymark <no-reply@shop.example>"),
            ("http://127.0.0.1:3000", "Waymark <no-reply@localhost>"),
            ("http://[::1]:3000", "Waymark <no-reply@localhost>"),
        ] {
            // A name of several words is in quotes.
            assert_eq!(default_from(url).to_string().replace('"', ""), expected);
        }
        assert!(parse_from("Shop <hello@shop.example>").is_ok() && parse_from("hello@shop.example").is_ok());
        assert!(parse_from("Shop").is_err());
    }
}
