//! The cookies that this site sets: one reader and one writer for all of them; and the marks by which handlers tell the session layer
//! to set or to remove its cookie.
//!
//! Names are compared byte for byte. The `cookie` crate trims and decodes names. With that crate, another host of this domain
//! could set `%5F%5FHost-flash`, which would be read as `__Host-flash`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, header};

/// With this prefix, browsers accept a cookie only from this very host, over TLS, and for all paths.
const PREFIX: &str = "__Host-";

/// A cookie that this site sets.
///
/// | call | over TLS | without |
/// |---|---|---|
/// | `name()` | `__Host-flash` | `flash` |
/// | `set("a", 60 s)` | `__Host-flash=a; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60` | the same without prefix and `Secure` |
/// | `removal()` | `__Host-flash=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure` | the same without prefix and `Secure` |
///
/// `SameSite=Lax` and not `Strict`: a visitor who follows a link from another site must bring the cookie along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteCookie {
    name: &'static str,
    secure: bool,
}

impl SiteCookie {
    /// Names a cookie. `prefixed` is the name with its prefix, which is dropped unless the site is `secure` (served over TLS).
    pub fn new(prefixed: &'static str, secure: bool) -> Self {
        let name = if secure { prefixed } else { prefixed.trim_start_matches(PREFIX) };
        Self { name, secure }
    }

    /// Returns the name that browsers use.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Returns all values that a request's headers have under exactly this name. A browser sends one value; with several, some
    /// may be forged. Values that are not UTF-8 are skipped, and other cookies may have any bytes.
    pub fn values(self, headers: &HeaderMap) -> impl Iterator<Item = &str> {
        let headers = headers.get_all(header::COOKIE).into_iter();
        let pairs = headers.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
        pairs.filter_map(move |pair| {
            let value = pair.trim_ascii().strip_prefix(self.name.as_bytes())?.strip_prefix(b"=")?;
            str::from_utf8(value).ok()
        })
    }

    /// Returns the `Set-Cookie` that makes a browser keep `value` for `max_age`. The value must be visible ASCII without `;`.
    pub fn set(self, value: &str, max_age: Duration) -> String {
        format!("{}={value}; {}; Max-Age={}", self.name, self.attributes(), max_age.as_secs())
    }

    /// Returns the `Set-Cookie` that makes a browser drop the cookie. The attributes are the same as when the cookie was set,
    /// because browsers require this.
    pub fn removal(self) -> String {
        format!("{}=; Max-Age=0; {}", self.name, self.attributes())
    }

    fn attributes(self) -> &'static str {
        if self.secure { "Path=/; HttpOnly; SameSite=Lax; Secure" } else { "Path=/; HttpOnly; SameSite=Lax" }
    }
}

/// Adds a `Set-Cookie` to a response.
pub fn append(headers: &mut HeaderMap, set_cookie: &str) {
    // Names, values and attributes are visible ASCII: see `SiteCookie::set`.
    if let Ok(value) = HeaderValue::from_str(set_cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

/// A request extension that a handler marks when it ends the session. The response then removes the session's cookie.
#[derive(Clone, Debug, Default)]
pub struct EndedSession(Arc<AtomicBool>);

impl EndedSession {
    pub fn mark(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A response extension: the id of a session that attribution began. The response then sets the cookie even if the page failed.
#[derive(Clone, Debug)]
pub struct StartedSession(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_name_is_read() {
        fn read(sent: &[&str], secure: bool) -> Vec<String> {
            let mut headers = HeaderMap::new();
            for cookies in sent {
                headers.append(header::COOKIE, HeaderValue::from_bytes(cookies.as_bytes()).expect("a header value"));
            }
            SiteCookie::new("__Host-flash", secure).values(&headers).map(str::to_owned).collect()
        }
        assert_eq!(read(&["a=1; flash=x; b=2"], false), ["x"]);
        assert_eq!(read(&["flash=x; flash=y", "flash=z"], false), ["x", "y", "z"]);
        assert_eq!(read(&["flash=a=b"], false), ["a=b"]);
        assert_eq!(read(&["name=J\u{fc}rgen; flash=x"], false), ["x"]);
        assert_eq!(read(&["__Host-flash=x; flash=y"], true), ["x"]);
        for other in ["flash", "flash2=x", "Flash=x", "%66lash=x", "flash =x", "\u{2000}flash=x", "__Host-flash=x"] {
            assert_eq!(read(&[other], false), [""; 0], "{other}");
        }
    }

    #[test]
    fn a_cookie_is_removed_with_the_attributes_that_it_was_set_with() {
        let cookie = |secure| SiteCookie::new("__Host-flash", secure);
        let minute = Duration::from_secs(60);
        assert_eq!(cookie(false).set("a", minute), "flash=a; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
        assert_eq!(cookie(false).removal(), "flash=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(cookie(true).set("a", minute), "__Host-flash=a; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60");
        assert_eq!(cookie(true).removal(), "__Host-flash=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure");
    }
}
