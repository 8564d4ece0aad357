//! Ad platforms append a click id to the address of a landing page. The table says what each one implies about the click.
//!
//! To add a click id, add a line to [`CLICK_IDS`]. If an address has several ids, the first in the table that implies a source
//! decides. The names come from the platforms' documents:
//!
//! - `gclid gbraid wbraid gclsrc gad_source gad_campaignid`: Google Ads Help, on auto-tagging and the
//!   `gad_*` parameters; `dclid`: Campaign Manager 360 Help; `srsltid`: Google Merchant Center Help.
//! - `msclkid`: Microsoft Advertising Help, on auto-tagging. `aclk`: django-utm-tracker, whose data can be imported.
//! - `fbclid`: Meta for Developers, Conversions API, on `fbc`. `igshid`: Instagram's share links.
//! - `ttclid`: TikTok Business Help Center. `twclid`: X Ads API, on web conversions.
//! - `li_fat_id`: Microsoft Learn, LinkedIn Conversions API, on first-party cookies.
//! - `rdt_cid rdclid`: Reddit Ads Help. `ScCid`: Snapchat Conversions API. `epik`: Pinterest API for
//!   Conversions. `qclid`: Quora for Business Help. `yclid`: Yandex Direct Help.
//! - `irclickid irclid`: impact.com Help. `mc_cid`: Mailchimp Help, on campaign ids.

use std::{collections::BTreeMap, iter};

use super::referrer::Referrer;

/// The longest id that is kept, in bytes after decoding. A longer id is dropped: a platform refuses a cut id when a conversion is
/// reported with it.
pub const MAX_ID_BYTES: usize = 2048;

/// One parameter that a platform appends.
#[derive(Debug, PartialEq, Eq)]
pub struct ClickId {
    /// The parameter as its platform spells it. The name matches in any ASCII case, and is stored in this spelling.
    pub name: &'static str,
    /// What the id says about the click. `None` for an id that is only kept: it neither makes a touch nor says where the visitor
    /// came from.
    pub implies: Option<Implication>,
}

/// What a click id says about the click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Implication {
    pub source: &'static str,
    pub medium: &'static str,
    /// Whether the platform puts the id on paid clicks only. If not, the medium holds only for a link without a source.
    pub paid: bool,
}

const fn paid(name: &'static str, source: &'static str, medium: &'static str) -> ClickId {
    ClickId { name, implies: Some(Implication { source, medium, paid: true }) }
}

const fn unpaid(name: &'static str, source: &'static str, medium: &'static str) -> ClickId {
    ClickId { name, implies: Some(Implication { source, medium, paid: false }) }
}

const fn kept(name: &'static str) -> ClickId {
    ClickId { name, implies: None }
}

/// All known ids. If several are present, the first that implies something decides.
pub static CLICK_IDS: &[ClickId] = &[
    paid("gclid", "google", "cpc"),
    paid("gbraid", "google", "cpc"),
    paid("wbraid", "google", "cpc"),
    paid("dclid", "google", "display"),
    paid("msclkid", "bing", "cpc"),
    paid("aclk", "bing", "cpc"),
    unpaid("fbclid", "facebook", "social"),
    paid("ttclid", "tiktok", "paid_social"),
    paid("twclid", "twitter", "paid_social"),
    paid("li_fat_id", "linkedin", "paid_social"),
    paid("rdt_cid", "reddit", "paid_social"),
    paid("rdclid", "reddit", "paid_social"),
    paid("ScCid", "snapchat", "paid_social"),
    paid("epik", "pinterest", "paid_social"),
    paid("qclid", "quora", "cpc"),
    paid("yclid", "yandex", "cpc"),
    paid("irclickid", "impact", "affiliate"),
    paid("irclid", "impact", "affiliate"),
    kept("gclsrc"),
    kept(GAD_SOURCE),
    kept("gad_campaignid"),
    kept("srsltid"),
    kept("mc_cid"),
    kept("igshid"),
];

/// Ids of a person and not of a click (Mailchimp, Klaviyo, Marketo, Vero, HubSpot, Omeda). Such ids are never stored, and a
/// custom tag cannot have their names.
pub const PERSONAL: [&str; 6] = ["mc_eid", "_kx", "mkt_tok", "vero_id", "_hsenc", "oly_enc_id"];

/// The parameter that says where Google showed the ad; `1` is Search.
const GAD_SOURCE: &str = "gad_source";

/// The hosts from which clicks on YouTube come, with its Android app.
const YOUTUBE: [&str; 4] = ["youtube.com", "youtu.be", "youtube-nocookie.com", "com.google.android.youtube"];

/// The hosts of the frames in which Google shows ads on other sites.
const AD_FRAMES: [&str; 4] = ["googlesyndication.com", "doubleclick.net", "2mdn.net", "ampproject.net"];

/// Returns the id with this name, in any ASCII case.
pub fn find(name: &[u8]) -> Option<&'static ClickId> {
    CLICK_IDS.iter().find(|id| id.name.as_bytes().eq_ignore_ascii_case(name))
}

/// Returns whether this is the name of an id of a person, in any ASCII case.
pub fn is_personal(name: &str) -> bool {
    PERSONAL.iter().any(|personal| personal.eq_ignore_ascii_case(name))
}

/// Returns what the ids of one landing imply, in the order of [`CLICK_IDS`].
///
/// The referrer refines Google's ids: `gclid` from YouTube implies youtube/cpc, and from an ad network's frame google/display.
/// `gad_source=1` counts only with Google's search as the referrer, and after all ids. Alone, `gad_source=1` does not say that an
/// ad was clicked.
pub fn implications<'i>(
    ids: &'i BTreeMap<&'static str, String>,
    referrer: Option<&'i Referrer>,
) -> impl Iterator<Item = Implication> + 'i {
    let search_ad = move || {
        let searched = referrer.is_some_and(|referrer| is_google_search(&referrer.host));
        let is_ad = ids.get(GAD_SOURCE).is_some_and(|surface| surface == "1");
        (searched && is_ad).then_some(Implication { source: "google", medium: "cpc", paid: true })
    };
    let present = CLICK_IDS.iter().filter(|id| ids.contains_key(id.name));
    present.filter_map(move |id| Some(refined(id.implies?, referrer))).chain(iter::once_with(search_ad).flatten())
}

/// Returns what an id implies for a click from this page.
fn refined(implied: Implication, referrer: Option<&Referrer>) -> Implication {
    let from =
        |domains: &[&str]| referrer.is_some_and(|referrer| domains.iter().any(|domain| referrer.is_under(domain)));
    if implied.source != "google" {
        implied
    } else if from(&YOUTUBE) {
        Implication { source: "youtube", medium: "cpc", ..implied }
    } else if from(&AD_FRAMES) {
        Implication { medium: "display", ..implied }
    } else {
        implied
    }
}

/// Returns whether a host is Google's search in any country, or its Android app. Gmail, Docs and the sign-in are not.
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

    fn implied(
        ids: &BTreeMap<&'static str, String>,
        referrer: Option<&Referrer>,
    ) -> Option<(&'static str, &'static str)> {
        implications(ids, referrer).next().map(|implied| (implied.source, implied.medium))
    }

    fn implied_by(names: &[&'static str], referrer: &str) -> Option<(&'static str, &'static str)> {
        let ids = names.iter().map(|&name| (name, "1".to_owned())).collect();
        implied(&ids, Referrer::parse(referrer).as_ref())
    }

    #[test]
    fn each_id_implies_its_platform() {
        for id in CLICK_IDS {
            let expected = id.implies.map(|implied| (implied.source, implied.medium));
            assert_eq!(implied_by(&[id.name], ""), expected, "{}", id.name);
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
