//! Copies of pages on the hosts of another company: a page in a mirror is a page of the site that the mirror shows.
//!
//! A mirror writes the site's host into one label of its own host. `-` stands for a dot, and `--` for a hyphen. Sources, read in
//! 2026:
//! - AMP caches: <https://amp.dev/documentation/guides-and-tutorials/learn/amp-caches-and-cors/amp-cache-urls>. Very long hosts
//!   are replaced by a digest, which names no site.
//! - Google's translated pages, Bing's AMP viewer and Yandex's Turbo pages write hosts in the same way.

/// The hosts below which a label names the site.
const MIRRORS: [&str; 4] = [".cdn.ampproject.org", ".translate.goog", ".bing-amp.com", ".turbopages.org"];

/// Returns the host of the site that a mirror shows, or `None` if the host is no mirror. The host is in lower case.
///
/// Example: `my--shop-example.translate.goog` → `my-shop.example`.
pub fn original_host(host: &str) -> Option<String> {
    let label = MIRRORS.iter().find_map(|mirror| host.strip_suffix(mirror))?;
    // AMP caches put `0-` and `-0` around a label whose third and fourth characters are hyphens. Otherwise the label would look
    // like an international name.
    let label = label.strip_prefix("0-").and_then(|label| label.strip_suffix("-0")).unwrap_or(label);
    let site = label.replace("--", "\0").replace('-', ".").replace('\0', "-");
    let named = !label.contains('.') && site.contains('.') && site.split('.').all(|label| !label.is_empty());
    named.then_some(site)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_names_the_site_that_it_shows() {
        for (mirror, site) in [
            ("shop-example.cdn.ampproject.org", "shop.example"),
            ("www-shop-example.translate.goog", "www.shop.example"),
            ("my--shop-example.translate.goog", "my-shop.example"),
            ("0-en--us-shop-example-0.cdn.ampproject.org", "en-us.shop.example"),
            ("xn----bcher--kva-example.translate.goog", "xn--bcher-kva.example"),
            ("www-nytimes-com.bing-amp.com", "www.nytimes.com"),
            ("lenta-ru.turbopages.org", "lenta.ru"),
        ] {
            assert_eq!(original_host(mirror).as_deref(), Some(site), "{mirror}");
        }
        for host in [
            "shop.example",
            "cdn.ampproject.org",
            "translate.goog",
            "shop.translate.goog",
            "a-b.c.translate.goog",
            "-example.translate.goog",
            "shop-example-translate.goog",
            "shop-example.translate.goog.evil.example",
            "",
        ] {
            assert_eq!(original_host(host), None, "{host}");
        }
    }
}
