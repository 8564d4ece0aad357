//! The names and hosts that mean the same platform, and the kind of each platform.
//!
//! The lists are data files, one for each kind. Their first lines say what they follow and how to add a platform. The first
//! look-up reads the files into maps, because every request with a source needs a look-up. A change of the lists changes how
//! touches are classified: raise [`RULES_VERSION`](super::channel::RULES_VERSION) with each change.
//!
//! A name or host belongs to one platform only, and is written in lower case. A malformed line is skipped, and fails the tests.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use self::host_map::HostMap;
use super::tsv::{rows, words};

/// Completes a landing's source and medium from its click ids and its referrer.
pub mod completion;
/// Makes a source and a medium of a referrer.
pub mod from_referrer;
/// Host patterns of the data files, and the map that looks hosts up.
pub mod host_map;
/// Mirrors: copies of a site's pages on the hosts of another company.
pub mod mirror;
/// The hosts of referrer spam.
mod spam;

/// What people do on a platform, as far as a channel depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlatformKind {
    Search,
    Social,
    Video,
    Shopping,
    AiAssistant,
    Webmail,
}

impl PlatformKind {
    pub const ALL: [Self; 6] =
        [Self::Search, Self::Social, Self::Video, Self::Shopping, Self::AiAssistant, Self::Webmail];

    /// Returns the medium of a touch whose source comes from its referrer. `organic`, `social` and `ai-assistant` are GA4's words.
    pub const fn medium(self) -> &'static str {
        match self {
            Self::Search => "organic",
            Self::Social => "social",
            Self::Video => "video",
            Self::Shopping => "shopping",
            Self::AiAssistant => "ai-assistant",
            Self::Webmail => "email",
        }
    }

    /// Returns the text of the file that lists the platforms of this kind, with the fields name, aliases and hosts.
    const fn data(self) -> &'static str {
        match self {
            Self::Search => include_str!("data/search.tsv"),
            Self::Social => include_str!("data/social.tsv"),
            Self::Video => include_str!("data/video.tsv"),
            Self::Shopping => include_str!("data/shopping.tsv"),
            Self::AiAssistant => include_str!("data/ai.tsv"),
            Self::Webmail => include_str!("data/webmail.tsv"),
        }
    }
}

/// One platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    pub kind: PlatformKind,
    /// The canonical name, itself a valid source.
    pub name: &'static str,
}

/// The platform that a source means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedSource {
    pub platform: Platform,
    /// Whether the source names the platform's advertising (`fb-ads`, `adwords`), which counts as paid with any medium.
    pub ads: bool,
}

/// Returns the platform of a source, which is in lower case.
///
/// A source can be a name (`google`), a host (`www.google.co.uk`), an address (`https://l.facebook.com/`), or one of the
/// platform's names with an ad suffix (`fb-ads`, `google_ads`).
pub fn resolve(source: &str) -> Option<ResolvedSource> {
    let name = fold(source);
    if let Some(platform) = INDEX.lookup(source, &name) {
        return Some(ResolvedSource { platform, ads: false });
    }
    let advertised = advertised(&name)?;
    let platform = INDEX.lookup(advertised, advertised)?;
    Some(ResolvedSource { platform, ads: true })
}

/// Returns the platform of a referring page. The host is in lower case, the path begins with `/`.
pub fn resolve_host(host: &str, path: &str) -> Option<Platform> {
    INDEX.hosts.get(host, path)
}

/// Returns the name of the platform whose advertising a folded name may mean: `fbads` → `fb`, `adwords` → `google`.
fn advertised(name: &str) -> Option<&str> {
    if let Some((_, platform)) = AD_NAMES.iter().find(|(alias, _)| *alias == name) {
        return Some(platform);
    }
    let stem = ["ads", "ad", "advertising"].iter().find_map(|suffix| name.strip_suffix(suffix))?;
    Some(stem.trim_end_matches('.'))
}

/// Removes the characters that people put between words: `google-ads`, `google_ads` and `google ads` → `googleads`.
pub fn fold(source: &str) -> Cow<'_, str> {
    const BETWEEN: [char; 4] = ['-', '_', '+', ' '];
    if source.contains(BETWEEN) { source.replace(BETWEEN, "").into() } else { source.into() }
}

/// Returns the host and path of a source that is an address: `https://a.example:80/b?c` → `a.example`, `/b`.
///
/// This function is more lenient than [`host::split`](crate::host::split), because people type sources. The scheme can be
/// missing, and a colon always ends the host.
fn address(source: &str) -> (&str, &str) {
    let rest = source.split_once("://").map_or(source, |(_, rest)| rest);
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.split(':').next().unwrap_or_default();
    (host.trim_end_matches('.'), path)
}

/// Names of advertising products that are not a platform's name with a suffix.
const AD_NAMES: &[(&str, &str)] = &[
    ("adwords", "google"),
    ("googleadwords", "google"),
    ("gads", "google"),
    ("microsoftads", "bing"),
    ("microsoftadvertising", "bing"),
    ("msads", "bing"),
    ("yahoogemini", "yahoo"),
    ("yandexdirect", "yandex"),
    ("snapads", "snapchat"),
    ("audiencenetwork", "facebook"),
    ("facebookaudiencenetwork", "facebook"),
    ("facebookadsmanager", "facebook"),
    ("facebookfeedad", "facebook"),
    ("linkedincampaignmanager", "linkedin"),
];

/// The data files, ready for look-ups.
#[derive(Default)]
struct PlatformIndex {
    /// By folded name and alias.
    names: HashMap<&'static str, Platform>,
    hosts: HostMap<Platform>,
}

static INDEX: LazyLock<PlatformIndex> = LazyLock::new(|| PlatformIndex::read().0);

impl PlatformIndex {
    /// Reads all files. Also returns the mistakes in the files, for the tests.
    fn read() -> (Self, Vec<String>) {
        let mut index = Self::default();
        let mut mistakes = Vec::new();
        for kind in PlatformKind::ALL {
            for row in rows(kind.data()) {
                match row {
                    Ok([name, aliases, hosts]) => mistakes.extend(index.add(Platform { kind, name }, aliases, hosts)),
                    Err(mistake) => mistakes.push(mistake),
                }
            }
        }
        (index, mistakes)
    }

    /// Adds a platform. Returns the mistakes in its aliases and hosts.
    fn add(&mut self, platform: Platform, aliases: &'static str, hosts: &'static str) -> Vec<String> {
        let mut mistakes = Vec::new();
        // A name with a dot is a host, and stands among the hosts too.
        let name = Some(platform.name).filter(|name| !name.contains('.'));
        for alias in name.into_iter().chain(words(aliases)) {
            if *fold(alias) != *alias || alias != alias.to_lowercase() || alias.is_empty() || alias.contains('.') {
                mistakes.push(format!("{alias:?} is not in the form that is compared"));
            }
            if self.names.insert(alias, platform).is_some() {
                mistakes.push(format!("{alias:?} is there twice"));
            }
        }
        for pattern in words(hosts) {
            if let Err(what) = self.hosts.insert(pattern, platform) {
                mistakes.push(format!("{pattern:?} of {:?} {what}", platform.name));
            }
        }
        mistakes
    }

    fn lookup(&self, source: &str, folded: &str) -> Option<Platform> {
        self.names.get(folded).copied().or_else(|| {
            let (host, path) = address(source);
            self.hosts.get(host, path)
        })
    }
}

#[cfg(test)]
mod tests;
