//! Click ids: what ad platforms append to a landing page's URL, and what each one says about the click.
//!
//! The table is data; its order decides which id speaks where a URL has several. The names are the
//! platforms' own:
//!
//! - `gclid gbraid wbraid gclsrc gad_source gad_campaignid`: Google Ads Help, on auto-tagging and the
//!   `gad_*` parameters; `dclid`: Campaign Manager 360 Help; `srsltid`: Google Merchant Center Help.
//! - `msclkid`: Microsoft Advertising Help, on auto-tagging. `aclk` is the one that django-utm-tracker knows.
//! - `fbclid`: Meta for Developers, Conversions API, on `fbc`. `igshid`: Instagram's share links.
//! - `ttclid`: TikTok Business Help Center. `twclid`: X Ads API, on web conversions.
//! - `li_fat_id`: Microsoft Learn, LinkedIn Conversions API, on first-party cookies.
//! - `rdt_cid rdclid`: Reddit Ads Help. `ScCid`: Snapchat Conversions API. `epik`: Pinterest API for
//!   Conversions. `qclid`: Quora for Business Help. `yclid`: Yandex Direct Help.
//! - `irclickid irclid`: impact.com Help. `mc_cid`: Mailchimp Help, on campaign ids.

use std::collections::BTreeMap;

use super::referrer::Referrer;

/// The longest id that is kept, in bytes after decoding. A longer one is dropped whole: an id that was cut
/// is refused by the platform it is reported back to.
pub const MAX_ID_BYTES: usize = 2048;

/// One parameter that a platform appends.
#[derive(Debug, PartialEq, Eq)]
pub struct ClickId {
    /// The parameter as its platform spells it; it is matched in any ASCII case and stored so.
    pub name: &'static str,
    /// The source and medium of a touch on which no UTM field says otherwise. `None` for what is only
    /// kept: it neither makes a touch nor says where one came from.
    pub implies: Option<(&'static str, &'static str)>,
}

const fn implies(name: &'static str, source: &'static str, medium: &'static str) -> ClickId {
    ClickId { name, implies: Some((source, medium)) }
}

const fn kept(name: &'static str) -> ClickId {
    ClickId { name, implies: None }
}

/// All known ids. Where several are present, the first that implies something wins.
pub static CLICK_IDS: [ClickId; 24] = [
    implies("gclid", "google", "cpc"),
    implies("gbraid", "google", "cpc"),
    implies("wbraid", "google", "cpc"),
    implies("dclid", "google", "display"),
    implies("msclkid", "bing", "cpc"),
    implies("aclk", "bing", "cpc"),
    implies("fbclid", "facebook", "social"),
    implies("ttclid", "tiktok", "paid_social"),
    implies("twclid", "twitter", "paid_social"),
    implies("li_fat_id", "linkedin", "paid_social"),
    implies("rdt_cid", "reddit", "paid_social"),
    implies("rdclid", "reddit", "paid_social"),
    implies("ScCid", "snapchat", "paid_social"),
    implies("epik", "pinterest", "paid_social"),
    implies("qclid", "quora", "cpc"),
    implies("yclid", "yandex", "cpc"),
    implies("irclickid", "impact", "affiliate"),
    implies("irclid", "impact", "affiliate"),
    kept("gclsrc"),
    kept(GAD_SOURCE),
    kept("gad_campaignid"),
    kept("srsltid"),
    kept("mc_cid"),
    kept("igshid"),
];

/// Ids of a person, not of a click (Mailchimp, Klaviyo, Marketo, Vero, HubSpot, Omeda). They are never
/// stored, and no custom tag can have their name.
pub const PERSONAL: [&str; 6] = ["mc_eid", "_kx", "mkt_tok", "vero_id", "_hsenc", "oly_enc_id"];

/// Says on which of Google's surfaces the ad stood; `1` is Search.
const GAD_SOURCE: &str = "gad_source";

/// Where YouTube's clicks come from, its Android app included.
const YOUTUBE: [&str; 4] = ["youtube.com", "youtu.be", "youtube-nocookie.com", "com.google.android.youtube"];

/// The frames in which Google shows ads on other people's pages.
const AD_FRAMES: [&str; 4] = ["googlesyndication.com", "doubleclick.net", "2mdn.net", "ampproject.net"];

/// The id of that name, in any ASCII case.
pub fn find(name: &[u8]) -> Option<&'static ClickId> {
    CLICK_IDS.iter().find(|id| id.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Whether that is the name, in any ASCII case, of an id of a person.
pub fn is_personal(name: &str) -> bool {
    PERSONAL.iter().any(|personal| personal.eq_ignore_ascii_case(name))
}

/// The source and medium that the ids of one landing imply, the first of [`CLICK_IDS`] before others.
///
/// The referrer refines what one of Google's says: from YouTube the click is youtube/cpc, from an ad
/// network's frame google/display. `gad_source=1` counts only beside a referrer that is Google's search:
/// by itself it does not say that a click took place.
pub fn implied(
    ids: &BTreeMap<&'static str, String>,
    referrer: Option<&Referrer>,
) -> Option<(&'static str, &'static str)> {
    let from =
        |domains: &[&str]| referrer.is_some_and(|referrer| domains.iter().any(|domain| referrer.is_under(domain)));
    let first = CLICK_IDS.iter().filter(|id| ids.contains_key(id.name)).find_map(|id| id.implies);
    match first {
        Some(("google", _)) if from(&YOUTUBE) => Some(("youtube", "cpc")),
        Some(("google", _)) if from(&AD_FRAMES) => Some(("google", "display")),
        Some(implied) => Some(implied),
        None => {
            let searched = referrer.is_some_and(|referrer| is_google_search(&referrer.host));
            let paid = ids.get(GAD_SOURCE).is_some_and(|surface| surface == "1");
            (searched && paid).then_some(("google", "cpc"))
        }
    }
}

/// Google's search in any country, and its Android app; not Gmail, Docs or sign-in.
fn is_google_search(host: &str) -> bool {
    if host == "com.google.android.googlequicksearchbox" {
        return true;
    }
    let Some(suffix) = host.strip_prefix("www.").unwrap_or(host).strip_prefix("google.") else {
        return false;
    };
    let country = suffix.strip_prefix("com.").or_else(|| suffix.strip_prefix("co.")).unwrap_or(suffix);
    matches!(suffix, "com" | "cat") || country.len() == 2 && !country.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn implied_by(names: &[&'static str], referrer: &str) -> Option<(&'static str, &'static str)> {
        let ids = names.iter().map(|&name| (name, "1".to_owned())).collect();
        implied(&ids, Referrer::parse(referrer).as_ref())
    }

    #[test]
    fn each_id_implies_its_platform() {
        for id in &CLICK_IDS {
            assert_eq!(implied_by(&[id.name], ""), id.implies, "{}", id.name);
        }
    }

    #[test]
    fn names_match_in_any_case_and_only_whole() {
        assert_eq!(find(b"sccid").map(|id| id.name), Some("ScCid"));
        assert_eq!(find(b"GCLID").map(|id| id.name), Some("gclid"));
        assert_eq!(find(b"gclid[]"), None);
        assert_eq!(find(b""), None);
    }

    #[test]
    fn no_name_is_listed_twice_or_names_a_person() {
        for (index, id) in CLICK_IDS.iter().enumerate() {
            let first = CLICK_IDS.iter().position(|other| other.name.eq_ignore_ascii_case(id.name));
            assert_eq!(first, Some(index), "{}", id.name);
            assert!(!is_personal(id.name), "{}", id.name);
        }
        assert!(is_personal("MC_EID"));
    }

    #[test]
    fn the_first_of_the_table_wins() {
        assert_eq!(implied_by(&["fbclid", "gclid"], ""), Some(("google", "cpc")));
        assert_eq!(implied_by(&["irclid", "msclkid", "srsltid"], ""), Some(("bing", "cpc")));
    }

    #[test]
    fn the_referrer_refines_googles_ids_only() {
        let youtube = "https://m.youtube.com/";
        let frame = "https://googleads.g.doubleclick.net/pagead/ads?client=x";
        assert_eq!(implied_by(&["wbraid"], youtube), Some(("youtube", "cpc")));
        assert_eq!(implied_by(&["gclid"], frame), Some(("google", "display")));
        assert_eq!(implied_by(&["gclid"], "https://tpc.googlesyndication.com/"), Some(("google", "display")));
        assert_eq!(implied_by(&["gclid"], "https://www.google.com/"), Some(("google", "cpc")));
        assert_eq!(implied_by(&["gclid"], "https://notyoutube.com/"), Some(("google", "cpc")));
        assert_eq!(implied_by(&["ttclid"], youtube), Some(("tiktok", "paid_social")));
        assert_eq!(implied_by(&["msclkid"], frame), Some(("bing", "cpc")));
    }

    #[test]
    fn gad_source_needs_google_search_beside_it() {
        for google in ["https://www.google.com/", "https://google.co.uk/", "https://www.google.com.au/search?q=a"] {
            assert_eq!(implied_by(&[GAD_SOURCE], google), Some(("google", "cpc")), "{google}");
        }
        for other in ["", "https://mail.google.com/", "https://google.evil.com/", "https://google.com.evil.net/"] {
            assert_eq!(implied_by(&[GAD_SOURCE], other), None, "{other}");
        }
        assert_eq!(implied_by(&["srsltid"], "https://www.google.com/"), None);
        let display = BTreeMap::from([(GAD_SOURCE, "5".to_owned())]);
        assert_eq!(implied(&display, Referrer::parse("https://www.google.com/").as_ref()), None);
    }
}
