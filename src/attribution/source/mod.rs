//! The platforms that traffic comes from: which names and hosts mean the same platform, and what kind of platform it is.
//!
//! The lists are data files, one for each kind, whose first lines say what they follow and how to add to them. They are read
//! once, at first use, into maps: a source is looked up on each request that carries one. Adding to them changes how touches
//! classify: raise [`RULES_VERSION`](super::channel::RULES_VERSION) with it.
//!
//! A name or host belongs to one platform only, and is written lower-case. A malformed line would be passed over; the tests let
//! none through.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use self::host_map::HostMap;

/// What a referrer says of where a visitor came from; data.
pub mod from_referrer;
/// Host patterns: which hosts a data file means.
pub mod host_map;

/// What people do on a platform, as far as a channel depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Search,
    Social,
    Video,
    Shopping,
    AiAssistant,
    Webmail,
}

impl Kind {
    /// All kinds, in the order in which the inspector names them.
    pub const ALL: [Kind; 6] =
        [Kind::Search, Kind::Social, Kind::Video, Kind::Shopping, Kind::AiAssistant, Kind::Webmail];

    /// The medium of a touch of which only the referrer is known. `organic`, `social` and `ai-assistant` are GA4's own words.
    pub const fn medium(self) -> &'static str {
        match self {
            Kind::Search => "organic",
            Kind::Social => "social",
            Kind::Video => "video",
            Kind::Shopping => "shopping",
            Kind::AiAssistant => "ai-assistant",
            Kind::Webmail => "email",
        }
    }

    /// The kind in words, for a page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Search => "search engine",
            Kind::Social => "social network",
            Kind::Video => "video site",
            Kind::Shopping => "shopping site",
            Kind::AiAssistant => "AI assistant",
            Kind::Webmail => "webmail",
        }
    }

    /// The file that lists the platforms of this kind: name, aliases and hosts, separated by tabs; `-` for none.
    const fn data(self) -> &'static str {
        match self {
            Kind::Search => include_str!("data/search.tsv"),
            Kind::Social => include_str!("data/social.tsv"),
            Kind::Video => include_str!("data/video.tsv"),
            Kind::Shopping => include_str!("data/shopping.tsv"),
            Kind::AiAssistant => include_str!("data/ai.tsv"),
            Kind::Webmail => include_str!("data/webmail.tsv"),
        }
    }
}

/// One platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Platform {
    pub kind: Kind,
    /// The canonical name, itself a valid source.
    pub name: &'static str,
}

/// What a source turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub platform: Platform,
    /// The source names the platform's advertising (`fb-ads`, `adwords`), which is paid whatever the
    /// medium says.
    pub ads: bool,
}

/// The platform behind a lower-case source: a name (`google`), a host (`www.google.co.uk`), an
/// address (`https://l.facebook.com/`), or one of the platform's names with an ad suffix
/// (`fb-ads`, `google_ads`).
pub fn resolve(source: &str) -> Option<Source> {
    let name = fold(source);
    if let Some(platform) = INDEX.lookup(source, &name) {
        return Some(Source { platform, ads: false });
    }
    let advertised = advertised(&name)?;
    let platform = INDEX.lookup(advertised, advertised)?;
    Some(Source { platform, ads: true })
}

/// The platform of a referring page: its host in lower case, its path from the first `/`.
pub fn resolve_host(host: &str, path: &str) -> Option<Platform> {
    INDEX.hosts.get(host, path)
}

/// The platform's name in a folded name that may be its advertising's.
fn advertised(name: &str) -> Option<&str> {
    if let Some((_, platform)) = AD_NAMES.iter().find(|(alias, _)| *alias == name) {
        return Some(platform);
    }
    let stem = name.strip_suffix("ads").or_else(|| name.strip_suffix("ad"))?;
    Some(stem.trim_end_matches('.'))
}

/// `Google-Ads`, `google_ads` and `google ads` are one name to the people who type them.
fn fold(source: &str) -> Cow<'_, str> {
    const BETWEEN: [char; 4] = ['-', '_', '+', ' '];
    if source.contains(BETWEEN) { source.replace(BETWEEN, "").into() } else { source.into() }
}

/// The host and path of a source that has them, without what else an address has.
fn address(source: &str) -> (&str, &str) {
    let rest = source.split_once("://").map_or(source, |(_, rest)| rest);
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.split(':').next().unwrap_or_default();
    (host.trim_end_matches('.'), path)
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
    ("facebookfeedad", "facebook"),
    ("linkedincampaignmanager", "linkedin"),
];

/// The data files, ready to be asked.
#[derive(Default)]
struct Index {
    /// By folded name and alias.
    names: HashMap<&'static str, Platform>,
    hosts: HostMap<Platform>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| Index::read().0);

impl Index {
    /// Reads all files. Answers what was wrong with them too, for the tests.
    fn read() -> (Self, Vec<String>) {
        let mut index = Self::default();
        let mut mistakes = Vec::new();
        for kind in Kind::ALL {
            for line in lines(kind.data()) {
                let mut fields = line.split('\t');
                let (Some(name), Some(aliases), Some(hosts), None) =
                    (fields.next(), fields.next(), fields.next(), fields.next())
                else {
                    mistakes.push(format!("{line:?} has not three fields"));
                    continue;
                };
                let platform = Platform { kind, name };
                // A name with a dot is a host: the hosts have it.
                for alias in [name].into_iter().filter(|name| !name.contains('.')).chain(words(aliases)) {
                    if *fold(alias) != *alias
                        || alias != alias.to_lowercase()
                        || alias.is_empty()
                        || alias.contains('.')
                    {
                        mistakes.push(format!("{alias:?} of {line:?} is not in the form that is compared"));
                    }
                    if index.names.insert(alias, platform).is_some() {
                        mistakes.push(format!("{alias:?} is there twice"));
                    }
                }
                for pattern in words(hosts) {
                    if let Err(what) = index.hosts.insert(pattern, platform) {
                        mistakes.push(format!("{pattern:?} of {line:?} {what}"));
                    }
                }
            }
        }
        (index, mistakes)
    }

    fn lookup(&self, source: &str, folded: &str) -> Option<Platform> {
        self.names.get(folded).copied().or_else(|| {
            let (host, path) = address(source);
            self.hosts.get(host, path)
        })
    }
}

/// The lines of a data file that are no comment.
pub(crate) fn lines(data: &'static str) -> impl Iterator<Item = &'static str> {
    data.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The words of a field of a data file.
pub(crate) fn words(field: &'static str) -> impl Iterator<Item = &'static str> {
    field.split(' ').filter(|word| *word != "-")
}

#[cfg(test)]
mod tests;
