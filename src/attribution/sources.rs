//! The platforms that traffic comes from, as data: which names and hosts mean the same platform,
//! and what kind of platform it is.
//!
//! The kinds follow the source categories that Google publishes for GA4's default channel group
//! (support.google.com/analytics/answer/9756891); AI assistants, which GA4 leaves among the
//! referrals, are a kind of their own. The lists are a selection written from common knowledge,
//! not a copy of Google's. Adding to them changes how touches classify: raise
//! [`RULES_VERSION`](super::channel::RULES_VERSION) with it.
//!
//! A name or host belongs to one platform only, and is written lower-case.

use Kind::{AiAssistant as Ai, Search, Shopping, Social, Video};

/// What people do on a platform, as far as a channel depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Search,
    Social,
    Video,
    Shopping,
    AiAssistant,
}

/// One platform and all the ways a source spells it.
#[derive(Debug, PartialEq, Eq)]
pub struct Platform {
    pub kind: Kind,
    /// The canonical name, itself a valid source.
    pub name: &'static str,
    /// Other names, separated by spaces, with `-`, `_`, `+` and spaces taken out.
    aliases: &'static str,
    /// Host patterns, separated by spaces:
    /// `bing.com` is that host, `.reddit.com` that host and all below it, and `google.*` the name
    /// under `com` or any country (`google.de`, `google.co.uk`, `google.com.br`).
    /// A leading `www.`, `m.` or `mobile.` never matters.
    hosts: &'static str,
}

/// What a source turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub platform: &'static Platform,
    /// The source names the platform's advertising (`fb-ads`, `adwords`), which is paid whatever the
    /// medium says.
    pub ads: bool,
}

/// The platform behind a lower-case source: a name (`google`), a host (`www.google.co.uk`), an
/// address (`https://l.facebook.com/`), or one of the platform's names with an ad suffix
/// (`fb-ads`, `google_ads`).
pub fn resolve(source: &str) -> Option<Source> {
    if let Some(platform) = lookup(source) {
        let ads = false;
        return Some(Source { platform, ads });
    }
    let platform = lookup(advertised(&fold(source))?)?;
    let ads = true;
    Some(Source { platform, ads })
}

/// The platform's name in a folded name that may be its advertising's.
fn advertised(name: &str) -> Option<&str> {
    if let Some((_, platform)) = AD_NAMES.iter().find(|(alias, _)| *alias == name) {
        return Some(platform);
    }
    let stem = name.strip_suffix("ads").or_else(|| name.strip_suffix("ad"))?;
    Some(stem.trim_end_matches('.'))
}

fn lookup(source: &str) -> Option<&'static Platform> {
    let name = fold(source);
    let host = host(source);
    let listed = |names: &str| names.split_ascii_whitespace().any(|alias| alias == name);
    let hosted = |hosts: &str| {
        let mut patterns = hosts.split_ascii_whitespace();
        patterns.any(|pattern| host_matches(pattern, host))
    };
    PLATFORMS.iter().find(|p| p.name == name || listed(p.aliases) || hosted(p.hosts))
}

/// `Google-Ads`, `google_ads` and `google ads` are one name to the people who type them.
fn fold(source: &str) -> String {
    source.chars().filter(|c| !matches!(c, '-' | '_' | '+' | ' ')).collect()
}

/// The host of a source that is one, without what comes before and after it in an address.
fn host(source: &str) -> &str {
    let rest = source.split_once("://").map_or(source, |(_, rest)| rest);
    let end = rest.find(['/', ':', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].trim_end_matches('.');
    ["www.", "m.", "mobile."]
        .iter()
        .find_map(|prefix| host.strip_prefix(prefix))
        // `m.me` is a host of its own.
        .filter(|site| site.contains('.'))
        .unwrap_or(host)
}

fn host_matches(pattern: &str, host: &str) -> bool {
    if let Some(parent) = pattern.strip_prefix('.') {
        // `notreddit.com` ends like `reddit.com` and is somebody else's.
        return host.strip_suffix(parent).is_some_and(|below| below.is_empty() || below.ends_with('.'));
    }
    match pattern.strip_suffix('*') {
        Some(stem) => host.strip_prefix(stem).is_some_and(is_country_ending),
        None => pattern == host,
    }
}

/// `com`, `cat`, `de`, `co.uk`, `com.br`: endings that a brand has, and that nobody else can register below
/// (`google.evil.io` is not Google).
fn is_country_ending(ending: &str) -> bool {
    let is_country = |label: &str| label.len() == 2 && label.bytes().all(|b| b.is_ascii_lowercase());
    match ending.split_once('.') {
        None => matches!(ending, "com" | "cat") || is_country(ending),
        Some((second, country)) => matches!(second, "co" | "com") && is_country(country),
    }
}

/// Names of advertising products that are no platform's name with a suffix.
const AD_NAMES: &[(&str, &str)] = &[
    ("adwords", "google"),
    ("googleadwords", "google"),
    ("gads", "google"),
    ("microsoftads", "bing"),
    ("microsoftadvertising", "bing"),
    ("msads", "bing"),
    ("yahoogemini", "yahoo"),
    ("audiencenetwork", "facebook"),
    ("facebookaudiencenetwork", "facebook"),
    ("facebookadsmanager", "facebook"),
    ("linkedincampaignmanager", "linkedin"),
];

const fn p(kind: Kind, name: &'static str, aliases: &'static str, hosts: &'static str) -> Platform {
    Platform { kind, name, aliases, hosts }
}

/// Every platform known by name. Platforms named by an everyday word go by their host alone
/// (`target.com`): as a source, `target` may be anything. Hosts of one company that do something else (`mail.google.com`,
/// `aws.amazon.com`) are left out on purpose: they are referrals.
#[rustfmt::skip] // One line a platform reads as the table it is.
pub static PLATFORMS: &[Platform] = &[
    // AI assistants
    p(Ai, "chatgpt", "openai gpt searchgpt", ".chatgpt.com chat.openai.com openai.com chat.com com.openai.chatgpt"),
    p(Ai, "claude", "claudeai anthropic", ".claude.ai claude.com anthropic.com com.anthropic.claude"),
    p(Ai, "perplexity", "perplexityai pplx", ".perplexity.ai ai.perplexity.app.android"),
    p(Ai, "copilot", "microsoftcopilot mscopilot bingchat githubcopilot", "copilot.microsoft.com copilot.com copilot.cloud.microsoft m365.cloud.microsoft edgeservices.bing.com"),
    p(Ai, "gemini", "googlegemini bard googlebard", "gemini.google.com gemini.google bard.google.com"),
    p(Ai, "notebooklm", "", "notebooklm.google.com notebooklm.google"),
    p(Ai, "deepseek", "deepseekai", ".deepseek.com"),
    p(Ai, "grok", "xai grokai", ".grok.com x.ai grok.x.com"),
    p(Ai, "phind", "", ".phind.com"),
    p(Ai, "mistral", "lechat mistralai", "mistral.ai chat.mistral.ai lechat.mistral.ai"),
    p(Ai, "metaai", "", ".meta.ai"),
    p(Ai, "you.com", "youcom youai", "you.com"),
    p(Ai, "poe.com", "", "poe.com"),
    p(Ai, "characterai", "", ".character.ai"),
    p(Ai, "heypi", "", "pi.ai heypi.com"),
    p(Ai, "duckai", "duckassist", "duck.ai"),
    p(Ai, "kimi", "moonshot", "kimi.com kimi.ai kimi.moonshot.cn"),
    p(Ai, "qwen", "tongyi qwenchat", "chat.qwen.ai qwen.ai tongyi.com tongyi.aliyun.com"),
    p(Ai, "doubao", "", "doubao.com"),
    p(Ai, "ernie", "erniebot yiyan wenxin", "yiyan.baidu.com chat.baidu.com ernie.baidu.com"),
    p(Ai, "yuanbao", "", "yuanbao.tencent.com"),
    p(Ai, "chatglm", "zhipu", "chatglm.cn chat.z.ai z.ai"),
    p(Ai, "manus", "manusai", "manus.im"),
    p(Ai, "genspark", "", "genspark.ai"),
    p(Ai, "felo", "", "felo.ai"),
    p(Ai, "liner.com", "", "liner.com getliner.com"),
    p(Ai, "andisearch", "", "andisearch.com"),
    p(Ai, "komo", "komoai", "komo.ai"),
    p(Ai, "iask", "iaskai", "iask.ai"),
    p(Ai, "consensus.app", "", "consensus.app"),
    p(Ai, "openrouter", "", "openrouter.ai"),
    p(Ai, "chatsonic", "", "chatsonic.com"),
    p(Ai, "morphic", "", "morphic.sh"),
    p(Ai, "monica", "monicaai", "monica.im"),

    // Search
    p(Search, "google", "googl googlesearch googleorganic", "google.* images.google.* image.google.* encrypted.google.com cse.google.com com.google.android.googlequicksearchbox"),
    p(Search, "bing", "bingsearch microsoftbing", "bing.com cn.bing.com global.bing.com cc.bingj.com com.microsoft.bing"),
    p(Search, "yahoo", "yahoosearch yahoo!", "yahoo.* .search.yahoo.com .search.yahoo.co.jp"),
    p(Search, "duckduckgo", "ddg duckduck", ".duckduckgo.com ddg.gg com.duckduckgo.mobile.android"),
    p(Search, "baidu", "", "baidu.com wap.baidu.com image.baidu.com"),
    p(Search, "yandex", "yandexsearch", "yandex.* ya.ru com.yandex.browser"),
    p(Search, "ecosia", "", ".ecosia.org org.ecosia.android"),
    p(Search, "brave", "bravesearch", "search.brave.com"),
    p(Search, "qwant", "", "qwant.com lite.qwant.com"),
    p(Search, "startpage", "", ".startpage.com"),
    p(Search, "kagi", "", "kagi.com"),
    p(Search, "mojeek", "", ".mojeek.com"),
    p(Search, "swisscows", "", "swisscows.com swisscows.ch"),
    p(Search, "aol", "aolsearch", "aol.com aol.co.uk .search.aol.com .search.aol.co.uk"),
    p(Search, "ask", "askjeeves", "ask.com uk.ask.com de.ask.com search.ask.com"),
    p(Search, "msn", "", "msn.com .search.msn.com"),
    p(Search, "livesearch", "live.com", "search.live.com"),
    p(Search, "dogpile", "", "dogpile.com"),
    p(Search, "excite", "", "excite.com search.excite.com excite.co.jp"),
    p(Search, "lycos", "", "lycos.com search.lycos.com"),
    p(Search, "naver", "", "naver.com search.naver.com"),
    p(Search, "daum", "", "daum.net search.daum.net"),
    p(Search, "nate.com", "", "nate.com search.nate.com"),
    p(Search, "seznam", "", "seznam.cz search.seznam.cz"),
    p(Search, "sogou", "", "sogou.com wap.sogou.com"),
    p(Search, "haosou", "360search", "so.com 360.cn haosou.com"),
    p(Search, "shenma", "", "sm.cn so.m.sm.cn"),
    p(Search, "rambler", "", "rambler.ru nova.rambler.ru"),
    p(Search, "mailru", "", "go.mail.ru"),
    p(Search, "coccoc", "", "coccoc.com"),
    p(Search, "virgilio", "", "ricerca.virgilio.it"),
    p(Search, "onet", "", "szukaj.onet.pl"),
    p(Search, "terra.es", "", "buscador.terra.es"),
    p(Search, "tonline", "", "suche.t-online.de"),
    p(Search, "webde", "", "suche.web.de"),
    p(Search, "gmx", "", "suche.gmx.net search.gmx.com"),
    p(Search, "gibiru", "", "gibiru.com"),
    p(Search, "metager", "", "metager.de metager.org"),
    p(Search, "searx", "searxng", "searx.be searx.me"),
    p(Search, "presearch", "", "presearch.com presearch.org"),
    p(Search, "searchencrypt", "", "searchencrypt.com"),
    p(Search, "comcast", "", "search.xfinity.com search.comcast.net"),

    // Social
    p(Social, "facebook", "fb meta facebookmobile facebookfeed facebookmobilefeed facebookstories facebookreels", ".facebook.com .fb.com fb.me fb.gg com.facebook.katana"),
    p(Social, "instagram", "ig insta igstories instagramfeed instagramstories instagramreels", ".instagram.com ig.me instagr.am com.instagram.android"),
    p(Social, "messenger", "msg fbmessenger facebookmessenger", ".messenger.com m.me com.facebook.orca"),
    p(Social, "threads", "threadsapp", ".threads.net .threads.com"),
    p(Social, "whatsapp", "wa", ".whatsapp.com wa.me com.whatsapp"),
    p(Social, "twitter", "tw x twtr", ".twitter.com x.com t.co com.twitter.android"),
    p(Social, "linkedin", "li lnkd", ".linkedin.com lnkd.in com.linkedin.android"),
    p(Social, "reddit", "", ".reddit.com redd.it reddit.app.link com.reddit.frontpage"),
    p(Social, "pinterest", "pin pins", "pinterest.* .pinterest.com pin.it com.pinterest"),
    p(Social, "tiktok", "tt", ".tiktok.com"),
    p(Social, "snapchat", "snap", ".snapchat.com com.snapchat.android"),
    p(Social, "quora", "", ".quora.com qr.ae"),
    p(Social, "tumblr", "", ".tumblr.com tmblr.co"),
    p(Social, "bluesky", "bsky", ".bsky.app bsky.social"),
    p(Social, "mastodon", "", "mastodon.social mastodon.online mastodon.world fosstodon.org hachyderm.io infosec.exchange org.joinmastodon.android"),
    p(Social, "lemmy", "", "lemmy.world lemmy.ml"),
    p(Social, "telegram", "tg", "t.me telegram.me telegram.org web.telegram.org org.telegram.messenger"),
    p(Social, "discord", "", ".discord.com discord.gg discordapp.com"),
    p(Social, "slack", "", ".slack.com com.slack"),
    p(Social, "teams", "microsoftteams msteams", "teams.microsoft.com teams.live.com statics.teams.cdn.office.net"),
    p(Social, "hackernews", "hn ycombinator", "news.ycombinator.com hckrnews.com"),
    p(Social, "lobsters", "", "lobste.rs"),
    p(Social, "producthunt", "", ".producthunt.com"),
    p(Social, "indiehackers", "", "indiehackers.com"),
    p(Social, "devto", "", "dev.to"),
    p(Social, "medium", "", ".medium.com"),
    p(Social, "substack", "", ".substack.com"),
    p(Social, "blogger", "blogspot", ".blogspot.com blogger.com"),
    p(Social, "livejournal", "", ".livejournal.com"),
    p(Social, "stackoverflow", "stackexchange", ".stackoverflow.com .stackexchange.com"),
    p(Social, "vk", "vkontakte", "vk.com vk.ru away.vk.com vkontakte.ru"),
    p(Social, "odnoklassniki", "", "ok.ru odnoklassniki.ru"),
    p(Social, "weibo", "sinaweibo", ".weibo.com .weibo.cn t.cn"),
    p(Social, "wechat", "weixin", ".wechat.com .weixin.qq.com"),
    p(Social, "qzone", "", "qzone.qq.com"),
    p(Social, "douban", "", ".douban.com"),
    p(Social, "zhihu", "", ".zhihu.com"),
    p(Social, "xiaohongshu", "rednote xhs", ".xiaohongshu.com xhslink.com"),
    p(Social, "tieba", "baidutieba", "tieba.baidu.com"),
    p(Social, "line.me", "", ".line.me"),
    p(Social, "kakao", "kakaotalk", "story.kakao.com pf.kakao.com"),
    p(Social, "viber", "", ".viber.com"),
    p(Social, "nextdoor", "", ".nextdoor.com nextdoor.co.uk"),
    p(Social, "meetup", "", ".meetup.com"),
    p(Social, "xing", "", ".xing.com"),
    p(Social, "flickr", "", ".flickr.com flic.kr"),
    p(Social, "deviantart", "", ".deviantart.com"),
    p(Social, "goodreads", "", ".goodreads.com"),
    p(Social, "myspace", "", ".myspace.com"),
    p(Social, "foursquare", "", ".foursquare.com"),
    p(Social, "yelp", "", ".yelp.com"),
    p(Social, "tripadvisor", "", "tripadvisor.*"),
    p(Social, "googleplus", "gplus", "plus.google.com plus.url.google.com"),
    p(Social, "googlegroups", "", "groups.google.com"),
    p(Social, "linktree", "", "linktr.ee"),
    p(Social, "hootsuite", "", ".hootsuite.com ow.ly"),
    p(Social, "buffer", "", "buffer.com buff.ly"),
    p(Social, "truthsocial", "", "truthsocial.com"),
    p(Social, "gab", "", "gab.com"),

    // Video
    p(Video, "youtube", "yt ytb youtubeshorts", ".youtube.com youtu.be .youtube-nocookie.com com.google.android.youtube"),
    p(Video, "vimeo", "", ".vimeo.com"),
    p(Video, "dailymotion", "", ".dailymotion.com dai.ly"),
    p(Video, "twitch", "", ".twitch.tv"),
    p(Video, "kick", "", "kick.com"),
    p(Video, "rumble", "", ".rumble.com"),
    p(Video, "odysee", "", "odysee.com"),
    p(Video, "bitchute", "", ".bitchute.com"),
    p(Video, "bilibili", "", ".bilibili.com b23.tv .bilibili.tv"),
    p(Video, "niconico", "nicovideo", ".nicovideo.jp nico.ms"),
    p(Video, "youku", "", ".youku.com"),
    p(Video, "iqiyi", "", ".iqiyi.com iq.com"),
    p(Video, "tencentvideo", "", "v.qq.com"),
    p(Video, "douyin", "", ".douyin.com"),
    p(Video, "kuaishou", "", ".kuaishou.com"),
    p(Video, "rutube", "", ".rutube.ru"),
    p(Video, "netflix", "", ".netflix.com"),
    p(Video, "hulu", "", ".hulu.com"),
    p(Video, "disneyplus", "", ".disneyplus.com"),
    p(Video, "primevideo", "amazonprimevideo", ".primevideo.com"),
    p(Video, "crunchyroll", "", ".crunchyroll.com"),
    p(Video, "roku", "", ".roku.com"),
    p(Video, "plutotv", "", "pluto.tv"),
    p(Video, "tubi", "tubitv", "tubitv.com"),
    p(Video, "wistia", "", ".wistia.com .wistia.net"),
    p(Video, "vidyard", "", ".vidyard.com"),
    p(Video, "loom", "", ".loom.com"),
    p(Video, "brightcove", "", ".brightcove.com .brightcove.net"),
    p(Video, "ted.com", "", "ted.com"),
    p(Video, "veoh", "", "veoh.com"),
    p(Video, "metacafe", "", "metacafe.com"),
    p(Video, "peertube", "", "joinpeertube.org sepiasearch.org"),
    p(Video, "nebula.tv", "", "nebula.tv"),

    // Shopping
    p(Shopping, "amazon", "amzn", "amazon.* smile.amazon.com amzn.to amzn.eu a.co aax-us-east.amazon-adsystem.com"),
    p(Shopping, "ebay", "", "ebay.* cart.ebay.com ebay.us"),
    p(Shopping, "etsy", "", ".etsy.com etsy.me"),
    p(Shopping, "walmart", "", ".walmart.com walmart.ca"),
    p(Shopping, "target.com", "", "target.com"),
    p(Shopping, "bestbuy", "", "bestbuy.com bestbuy.ca"),
    p(Shopping, "aliexpress", "", ".aliexpress.com .aliexpress.ru .aliexpress.us"),
    p(Shopping, "alibaba", "", ".alibaba.com 1688.com"),
    p(Shopping, "taobao", "", ".taobao.com"),
    p(Shopping, "tmall", "", ".tmall.com"),
    p(Shopping, "jd.com", "jd jingdong", ".jd.com"),
    p(Shopping, "pinduoduo", "", ".pinduoduo.com .yangkeduo.com"),
    p(Shopping, "temu", "", ".temu.com"),
    p(Shopping, "shein", "", ".shein.com"),
    p(Shopping, "wish.com", "", "wish.com"),
    p(Shopping, "shop", "shopapp", "shop.app partners.shop.com shop.com"),
    p(Shopping, "shopify", "", ".shopify.com"),
    p(Shopping, "googleshopping", "googlemerchantcenter surfacesacrossgoogle", "shopping.google.* merchants.google.com"),
    p(Shopping, "bingshopping", "microsoftshopping", ""),
    p(Shopping, "igshopping", "instagramshopping", ""),
    p(Shopping, "yahooshopping", "", "shopping.yahoo.com shopping.yahoo.co.jp order.shopping.yahoo.co.jp"),
    p(Shopping, "navershopping", "", "shopping.naver.com smartstore.naver.com"),
    p(Shopping, "rakuten", "", ".rakuten.co.jp .rakuten.com"),
    p(Shopping, "mercari", "", ".mercari.com"),
    p(Shopping, "coupang", "", ".coupang.com"),
    p(Shopping, "lazada", "", "lazada.*"),
    p(Shopping, "shopee", "", "shopee.*"),
    p(Shopping, "tokopedia", "", ".tokopedia.com"),
    p(Shopping, "flipkart", "", ".flipkart.com"),
    p(Shopping, "mercadolibre", "mercadolivre", ".mercadolibre.com .mercadolibre.com.mx .mercadolibre.com.ar .mercadolibre.com.co .mercadolivre.com.br"),
    p(Shopping, "allegro", "", ".allegro.pl"),
    p(Shopping, "zalando", "", "zalando.*"),
    p(Shopping, "otto.de", "", "otto.de"),
    p(Shopping, "cdiscount", "", "cdiscount.com"),
    p(Shopping, "bol.com", "", "bol.com"),
    p(Shopping, "ozon", "", "ozon.ru"),
    p(Shopping, "wildberries", "", ".wildberries.ru"),
    p(Shopping, "idealo", "", "idealo.*"),
    p(Shopping, "pricerunner", "", "pricerunner.* pricerunner.dk"),
    p(Shopping, "pricespy", "prisjakt", "pricespy.co.uk prisjakt.nu prisjakt.no"),
    p(Shopping, "pricegrabber", "", "pricegrabber.com"),
    p(Shopping, "shopzilla", "", "shopzilla.com"),
    p(Shopping, "kelkoo", "", "kelkoo.*"),
    p(Shopping, "ceneo", "", "ceneo.pl"),
    p(Shopping, "heureka", "", "heureka.cz heureka.sk"),
    p(Shopping, "skroutz", "", "skroutz.gr"),
    p(Shopping, "depop", "", "depop.com"),
    p(Shopping, "poshmark", "", "poshmark.com"),
    p(Shopping, "vinted", "", "vinted.*"),
    p(Shopping, "wayfair", "", "wayfair.com wayfair.co.uk"),
    p(Shopping, "newegg", "", "newegg.com"),
    p(Shopping, "slickdeals", "", "slickdeals.net"),
    p(Shopping, "joinhoney", "", "joinhoney.com"),
    p(Shopping, "simplycodes", "", "simplycodes.com"),
    p(Shopping, "checkoutstripe", "", "checkout.stripe.com"),
];

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
