//! A browser in a few words: `Firefox on Linux`. The words are all that is stored of a user agent.

/// What a user agent contains, and the browser that says so. Most browsers name others too, so the order matters.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Returns a browser and its system: `Mozilla/5.0 (X11; Linux x86_64; rv:143.0) … Firefox/143.0` → `Firefox on Linux`.
pub(super) fn browser_words(user_agent: &str) -> String {
    let find = |list: &[(&'static str, &'static str)]| {
        list.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, words)| *words)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "Another browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_what_only_it_says() {
        const CHROME: &str =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0";
        for (user_agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox on Linux"),
            (&*format!("{CHROME} Safari/537.36"), "Chrome on Windows"),
            (&format!("{CHROME} Safari/537.36 Edg/142.0.0.0"), "Edge on Windows"),
            (&format!("{CHROME} Safari/537.36 OPR/120.0"), "Opera on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on macOS"),
            ("Mozilla/5.0 (Linux; Android 15) Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
            ("curl/8.5.0", "Another browser"),
            ("", "Another browser"),
        ] {
            assert_eq!(browser_words(user_agent), words, "{user_agent}");
        }
    }
}
