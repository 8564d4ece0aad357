//! Which user agents are machines: crawlers, link previews, monitors, headless browsers, HTTP libraries.
//!
//! A few rules and a short list, kept as data, of what the rules miss. It only has to know machines that say
//! what they are; one that poses as a browser is on no list. Where in doubt it is a person: a bot that slips
//! through costs a row, a person taken for a bot loses the lead's source. So the apps that open links in a
//! view of their own (Instagram, `FBAV`, LINE …) are people, and the fetchers that draw their link previews
//! (`facebookexternalhit`, `WhatsApp/` …) are not.

/// How much of a user agent is looked at, in bytes. Browsers send less than 300.
const MAX_BYTES: usize = 1024;

/// What a whole user agent begins with, in any case. Further in, these words mean nothing.
const STARTS: &[&str] = &[
    "AHC/",
    "Dalvik/",
    "Dart/",
    "Deno/",
    "Bun/",
    "got (",
    "hyper/",
    "Jakarta",
    "Java/",
    "Microsoft Office",
    "node",
    "okhttp",
    "Perl",
    "PHP",
    "Python",
    "Ruby",
    "Slack-",
    "WhatsApp/",
    "WordPress/",
];

/// What a word of a user agent begins with, in any case. A word begins at the front and after whatever is
/// no ASCII letter or digit.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    // Search engines' fetchers that do not call themselves bot or spider.
    "APIs-Google", "BingPreview", "Chrome-Lighthouse", "DuplexWeb", "Google-", "Google Favicon", "Google Web Preview",
    "GoogleHC", "GoogleImageProxy", "GoogleOther", "GoogleProducer", "GoogleStackdriver", "Mediapartners",
    "MicrosoftPreview", "PageSpeed", "Slurp", "YandexDirect", "YandexImage", "YandexMetrika", "YandexWebmaster",
    // Link previews.
    "Embedly", "facebookcatalog", "facebookexternal", "FlipboardProxy", "Iframely", "MetaInspector", "ms-office",
    "OpenGraph", "SkypeUriPreview", "Snap URL Preview", "vkShare",
    // AI crawlers and assistants.
    "anthropic-ai", "ChatGPT-User", "Claude-User", "Claude-Web", "cohere-", "Gemini-Deep-Research", "img2dataset",
    "meta-external", "meta-webindexer", "MistralAI-User", "NovaAct", "omgili", "Perplexity-User",
    // Monitors.
    "Amazon-Route53", "Blackbox", "Catchpoint", "check_http", "Checkly", "Cloudflare-", "Consul Health", "Datadog",
    "ELB-Health", "Freshping", "GTmetrix", "HetrixTools", "kube-probe", "NewRelic", "NodePing", "Pingdom",
    "Prometheus", "PTST/", "Site24x7", "StatusCake", "updown.io", "Uptime-", "W3C_", "Zabbix",
    // Archives, SEO tools, scanners.
    "CensysInspect", "heritrix", "HTTrack", "ia_archiver", "Netcraft", "Nikto", "Nmap", "Nuclei", "Nutch",
    "Screaming Frog", "SEOkicks", "Siteimprove", "sqlmap", "zgrab",
    // Headless browsers and what drives them.
    "Cypress/", "HtmlUnit", "jsdom", "PhantomJS", "Playwright", "Prerender", "Puppeteer", "Rendertron", "Selenium",
    "SlimerJS", "wkhtmlto",
    // HTTP libraries and load generators.
    "aiohttp", "ApacheBench", "Apache-Http", "axios/", "CFNetwork", "curl/", "Faraday", "Go-http-client",
    "GuzzleHttp", "http.rb/", "HTTPie", "Insomnia/", "k6/", "libcurl", "libwww", "LWP", "Mechanize", "PostmanRuntime",
    "PycURL", "reqwest/", "rest-client", "RestSharp", "Typhoeus", "undici", "ureq/", "Wget", "WinHttp",
];

/// Letters that end in "bot" and are people: Cubot makes phones.
const NOT_BOTS: &[&str] = &["cubot"];

/// Whether a request with that `User-Agent` comes from a machine. No user agent, or an empty one, is a machine's:
/// every browser sends one.
pub fn is_bot(user_agent: Option<&str>) -> bool {
    let agent = user_agent.unwrap_or_default().trim().as_bytes();
    let agent = &agent[..agent.len().min(MAX_BYTES)];
    agent.is_empty()
        || STARTS.iter().any(|start| begins(agent, start))
        || agent.split(|byte| !byte.is_ascii_alphabetic()).any(says_bot)
        || names_a_bot(agent)
        // "+http://…" is where a crawler says who runs it. Old browsers' add-ons put addresses without the plus.
        || contains(agent, "+http")
}

/// Whether a run of letters is a generic word for a machine, or ends in one: `Googlebot`, `360Spider`.
fn says_bot(letters: &[u8]) -> bool {
    let singular = letters.strip_suffix(b"s").or_else(|| letters.strip_suffix(b"S")).unwrap_or(letters);
    let is = |words: &[&str]| words.iter().any(|word| letters.eq_ignore_ascii_case(word.as_bytes()));
    ends(singular, "bot") && !is(NOT_BOTS)
        || ends(singular, "spider")
        || ends(singular, "fetcher")
        || contains(letters, "crawl")
        || begins(letters, "scrap")
        || begins(letters, "headless")
}

fn names_a_bot(agent: &[u8]) -> bool {
    let mut inside = false;
    for (at, byte) in agent.iter().enumerate() {
        let alphanumeric = byte.is_ascii_alphanumeric();
        if alphanumeric && !inside && WORDS.iter().any(|word| begins(&agent[at..], word)) {
            return true;
        }
        inside = alphanumeric;
    }
    false
}

fn begins(text: &[u8], word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn ends(text: &[u8], word: &str) -> bool {
    let from = text.len().saturating_sub(word.len());
    text[from..].eq_ignore_ascii_case(word.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rustfmt::skip]
    const PEOPLE: &[&str] = &[
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15 Ddg/18.5",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Embedded Web Browser from: http://bsalsa.com/)",
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; U; Android 13; en-US; RMX3085) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0 UCBrowser/13.6 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 11; CUBOT_NOTE_20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; Cubot X19 Build/QP1A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F79 Instagram 334.0.4.32.98 (iPhone14,5; iOS 17_5; en_US)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/466.0.0.36.108;FBDV/iPhone14,5;FBLC/en_US]",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP2A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/470.1;]",
        "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 trill_2023506040 JsSdk/1.0 NetType/WIFI BytedanceWebview/d8a21c6 musical_ly TikTok",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari Line/14.9.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/323.0.647062479 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]/9.29.8962",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [Pinterest/iOS]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Twitter for iPhone/10.44",
        "Mozilla/5.0 (Linux; Android 13; SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile DuckDuckGo/5 Safari/537.36",
        "Mozilla/5.0 (Linux; arm_64; Android 13; 2201117TY) AppleWebKit/537.36 Chrome/124.0 YaBrowser/24.6 YaApp_Android/24.61 YandexSearch/7.80 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 12; V2134) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36 NAVER(inapp; search; 1900; 12.6.2) KAKAOTALK 10.4.2 Snapchat/12.91",
        "Mozilla/5.0 (PlayStation; PlayStation 5/9.40) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/191.308; U; en) Presto/2.12.423 Version/12.16",
        "UCWEB/2.0 (MIDP-2.0; U; Adr 4.4.4; en-US; XT1022) U2/1.0.0 UCBrowser/10.6.0.706 U2/1.0.0 Mobile",
        "Mozilla/5.0 (Linux; Android 14; 红米 Note) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; ABCK6/P1) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0",
    ];

    #[rustfmt::skip]
    const MACHINES: &[&str] = &[
        "", "   ",
        "curl/8.5", "curl/8.5.0", "Wget/1.21.4", "HTTPie/3.2.2", "python-requests/2.32.3", "Python-urllib/3.12",
        "Python/3.12 aiohttp/3.9.5", "python-httpx/0.27.0", "Go-http-client/2.0", "okhttp/4.12.0", "axios/1.7.2", "node",
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "undici", "got (https://github.com/sindresorhus/got)",
        "Java/17.0.2", "Apache-HttpClient/4.5.14 (Java/17.0.2)", "GuzzleHttp/7", "libwww-perl/6.72", "Ruby", "reqwest/0.12",
        "Dart/3.4 (dart:io)", "PostmanRuntime/7.39.0", "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)",
        "Shop/12 CFNetwork/1496.0.7 Darwin/23.5.0", "Scrapy/2.11.2 (+https://scrapy.org)", "ApacheBench/2.3",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot-Image/1.0",
        "AdsBot-Google (+http://www.google.com/adsbot.html)", "Mediapartners-Google", "APIs-Google",
        "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)", "GoogleOther", "FeedFetcher-Google",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 BingPreview/1.0b",
        "Mozilla/5.0 (compatible; YandexBot/3.0)", "Mozilla/5.0 (compatible; YandexMetrika/2.0)",
        "Mozilla/5.0 (compatible; Baiduspider/2.0)", "Sogou web spider/4.0", "Mozilla/5.0 (compatible; 360Spider/1.0)",
        "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)", "DuckDuckBot/1.1",
        "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15 (Applebot/0.1)",
        "Mozilla/5.0 (compatible; MJ12bot/v1.4.8)", "Mozilla/5.0 (compatible; archive.org_bot)", "ia_archiver",
        "Mozilla/5.0 (compatible; Pinterest/0.2; +https://www.pinterest.com/bot.html)", "CCBot/2.0", "Bytespider",
        "Screaming Frog SEO Spider/20.1", "Mozilla/5.0 (compatible; Unknown-Crawler 1.0)", "crawler4j", "SomeCrawlers/1", "All-Robots",
        "Mozilla/5.0 (compatible; Daum/4.1; +http://cs.daum.net/faq/15/4118.html)",
        "facebookexternalhit/1.1", "facebookexternalhit/1.1;kakaotalk-scrap/1.0;", "Facebot", "Twitterbot/1.0",
        "LinkedInBot/1.0", "Slackbot-LinkExpanding 1.0", "Slack-ImgProxy 0.19", "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 (compatible; Discordbot/2.0)", "WhatsApp/2.23.20.0 A", "SkypeUriPreview Preview/0.5",
        "Snap URL Preview Service; bot; snapchat", "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", "OAI-SearchBot/1.0",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0", "ClaudeBot/1.0",
        "Claude-User/1.0", "PerplexityBot/1.0", "Mozilla/5.0 (compatible; Perplexity-User/1.0)", "Amazonbot/0.1",
        "meta-externalagent/1.1", "meta-externalfetcher/1.1", "MistralAI-User/1.0", "anthropic-ai",
        "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "Pingdom.com_bot_version_1.4",
        "kube-probe/1.29", "ELB-HealthChecker/2.0", "GoogleHC/1.0", "Amazon-Route53-Health-Check-Service (ref 1)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 11; moto g power) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 Chrome-Lighthouse",
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
        "Nmap Scripting Engine", "sqlmap/1.8", "zgrab/0.x",
    ];

    #[test]
    fn people_are_people() {
        for agent in PEOPLE {
            assert!(!is_bot(Some(agent)), "{agent}");
        }
    }

    #[test]
    fn machines_are_machines_in_any_case() {
        assert!(is_bot(None));
        for agent in MACHINES {
            assert!(is_bot(Some(agent)), "{agent}");
            assert!(is_bot(Some(&agent.to_ascii_uppercase())), "{agent}");
        }
    }

    #[test]
    fn no_line_of_the_list_is_idle() {
        for (index, word) in WORDS.iter().enumerate() {
            assert!(is_bot(Some(&format!("Mozilla/5.0 (compatible; {word}"))), "{word}");
            let earlier = WORDS[..index].iter().find(|earlier| begins(word.as_bytes(), earlier));
            assert_eq!(earlier, None, "{word} is listed");
            assert!(!word.as_bytes().split(|byte| !byte.is_ascii_alphabetic()).any(says_bot), "{word} needs no line");
        }
    }

    proptest! {
        #[test]
        fn any_user_agent_is_read_without_panic(agent in any::<String>(), repeat in 0_usize..200) {
            is_bot(Some(&agent.repeat(repeat)));
        }

        #[test]
        fn a_machine_is_found_anywhere(front in "[A-Za-z/;0-9]{0,40}", back in "[A-Za-z/;0-9 ]{0,40}") {
            let agent = format!("{front} Somebot/1 {back}");
            prop_assert!(is_bot(Some(&agent)));
        }
    }
}
