//! The content security policy: browsers run and load what this site serves, and nothing else.

use std::sync::OnceLock;

use axum::http::HeaderValue;
use leptos::config::LeptosOptions;

/// Returns the policy of one response.
///
/// `nonce` is the response's own random text: inline scripts that carry it run, all others do not. Without a nonce no inline
/// script runs.
pub(super) fn policy(nonce: Option<&str>, options: &LeptosOptions) -> HeaderValue {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        // cargo-leptos sets this variable while it watches the source.
        let watched = std::env::var_os("LEPTOS_WATCH").is_some();
        Policy::new(watched.then(|| options.reload_external_port.unwrap_or(options.reload_port)))
    });
    policy.with(nonce)
}

/// The policy of all responses: the text before a nonce and the text after it.
#[derive(Debug)]
struct Policy {
    before: String,
    after: String,
}

impl Policy {
    fn new(reload_port: Option<u32>) -> Self {
        let text = text(reload_port);
        let (before, after) = text.split_once(NONCE).unwrap_or((&text, ""));
        Self { before: before.to_owned(), after: after.to_owned() }
    }

    fn with(&self, nonce: Option<&str>) -> HeaderValue {
        let Self { before, after } = self;
        let text = match nonce {
            Some(nonce) => format!("{before} 'nonce-{nonce}'{after}"),
            None => format!("{before}{after}"),
        };
        // A nonce is base64 and a port a number, so this never falls back.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
    }
}

/// Where a nonce goes in the policy's [`text`].
const NONCE: char = '\0';

fn text(reload_port: Option<u32>) -> String {
    let reload = reload_port.map(|port| format!(" ws://localhost:{port} ws://127.0.0.1:{port}")).unwrap_or_default();
    let directives = [
        // Browsers load nothing that no other directive names.
        "default-src 'none'",
        // Script files of this site, inline scripts with the nonce, and WebAssembly, whose compilation browsers treat as a kind
        // of `eval`. JavaScript's own `eval` stays forbidden.
        &format!("script-src 'self'{NONCE} 'wasm-unsafe-eval'"),
        // Style sheets of this site. Pages have neither `<style>` nor `style=`.
        "style-src 'self'",
        // Images of this site, and `data:` for small ones that a style sheet may hold.
        "img-src 'self' data:",
        // Fonts of this site.
        "font-src 'self'",
        // Scripts talk to this site only; in development also to cargo-leptos, which reloads pages through a socket.
        &format!("connect-src 'self'{reload}"),
        // The web app manifest.
        "manifest-src 'self'",
        // A form that an attacker manages to put into a page cannot send what people type to another site.
        "form-action 'self'",
        // No site may show a page in a frame and have people click there (`X-Frame-Options` says so to older browsers).
        "frame-ancestors 'none'",
        // A `<base>` that an attacker manages to put into a page cannot redirect its relative links.
        "base-uri 'none'",
        // No plug-ins. `default-src` covers them already; scanners ask for the directive itself.
        "object-src 'none'",
    ];
    directives.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(nonce: Option<&str>, reload_port: Option<u32>) -> HeaderValue {
        Policy::new(reload_port).with(nonce)
    }

    fn directive(policy: &HeaderValue, name: &str) -> String {
        let policy = policy.to_str().expect("ASCII");
        let found = policy.split("; ").find_map(|directive| directive.strip_prefix(name)?.strip_prefix(' '));
        found.expect(name).to_owned()
    }

    #[test]
    fn a_nonce_lets_inline_scripts_run_and_nothing_else() {
        let (with, without) = (build(Some("abc="), None), build(None, None));
        assert_eq!(directive(&with, "script-src"), "'self' 'nonce-abc=' 'wasm-unsafe-eval'");
        assert_eq!(directive(&without, "script-src"), "'self' 'wasm-unsafe-eval'");
        assert_eq!(with.to_str().expect("ASCII").replace(" 'nonce-abc='", ""), without);
    }

    #[test]
    fn what_is_not_named_is_not_loaded_and_nothing_is_unsafe() {
        let policy = build(Some("abc="), Some(3001));
        assert_eq!(directive(&policy, "default-src"), "'none'");
        let text = policy.to_str().expect("ASCII");
        for unsafe_source in ["'unsafe-inline'", "'unsafe-eval'", "https:", "http:", "*"] {
            assert!(!text.contains(unsafe_source), "{text}");
        }
    }

    #[test]
    fn only_development_opens_the_socket_that_reloads_pages() {
        assert_eq!(directive(&build(None, None), "connect-src"), "'self'");
        let watched = build(None, Some(3001));
        assert_eq!(directive(&watched, "connect-src"), "'self' ws://localhost:3001 ws://127.0.0.1:3001");
    }
}
