//! Which user agents are machines: crawlers, link previews, monitors, headless browsers, HTTP libraries.
//!
//! The list is data (`bots.tsv`), and says what its lines mean. It only has to know machines that say what they are; one
//! that poses as a browser is on no list. Where in doubt it is a person: a bot that slips through costs a row, a person taken
//! for a bot loses the lead's source. So the apps that open links in a view of their own (Instagram, `FBAV`, LINE …) are
//! people, and the fetchers that draw their link previews (`facebookexternalhit`, `WhatsApp/` …) are not.

use std::{str::FromStr, sync::LazyLock};

/// How much of a user agent is looked at, in bytes. Browsers send less than 300.
const MAX_BYTES: usize = 1024;

/// The name of a machine that sends no user agent.
const NAMELESS: &str = "no user agent";

/// What a machine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BotKind {
    /// A search engine's.
    Crawler,
    /// Gathers for a language model, or fetches for its users.
    Ai,
    /// Draws the preview of a link that someone shared.
    Preview,
    /// Watches whether and how fast a site answers.
    Monitor,
    /// A browser without a screen.
    Headless,
    /// A program, by the library it is made with.
    Library,
    /// Fetches feeds.
    Feed,
    /// Audits sites and counts links.
    Seo,
    /// Looks for weaknesses.
    Scanner,
    /// A machine by a general word, or by none.
    Other,
}

impl BotKind {
    pub const ALL: [Self; 10] = [
        Self::Crawler,
        Self::Ai,
        Self::Preview,
        Self::Monitor,
        Self::Headless,
        Self::Library,
        Self::Feed,
        Self::Seo,
        Self::Scanner,
        Self::Other,
    ];

    /// A fixed word, as the list has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crawler => "crawler",
            Self::Ai => "ai",
            Self::Preview => "preview",
            Self::Monitor => "monitor",
            Self::Headless => "headless",
            Self::Library => "library",
            Self::Feed => "feed",
            Self::Seo => "seo",
            Self::Scanner => "scanner",
            Self::Other => "other",
        }
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Crawler => "Search crawler",
            Self::Ai => "AI crawler or assistant",
            Self::Preview => "Link preview",
            Self::Monitor => "Monitor",
            Self::Headless => "Headless browser",
            Self::Library => "HTTP library",
            Self::Feed => "Feed reader",
            Self::Seo => "Site audit",
            Self::Scanner => "Security scanner",
            Self::Other => "Other machine",
        }
    }

    /// Whether this says what a machine is made with, and not who runs it.
    const fn is_make(self) -> bool {
        matches!(self, Self::Headless | Self::Library)
    }
}

/// The word is no kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl FromStr for BotKind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(UnknownKind)
    }
}

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bot<'a> {
    pub kind: BotKind,
    /// What of the user agent gave it away: `Googlebot`, `python-requests`, `+http://example.com/about`.
    pub name: &'a str,
}

/// The machine that a `User-Agent` names; nothing for a person. No user agent, or an empty one, is a machine's: every
/// browser sends one.
pub fn bot(user_agent: Option<&str>) -> Option<Bot<'_>> {
    let agent = user_agent.unwrap_or_default().trim();
    if agent.is_empty() {
        return Some(Bot { kind: BotKind::Other, name: NAMELESS });
    }
    named(&LIST, agent)
}

/// One pass over the words. Who it is goes before what it is made with, and that before a general word.
fn named<'a>(list: &List, agent: &'a str) -> Option<Bot<'a>> {
    let bytes = &agent.as_bytes()[..agent.len().min(MAX_BYTES)];
    let found = |kind, from, to| Bot { kind, name: token(agent, from, to) };
    let mut made_with = None;
    let mut general = None;
    if let Some((kind, length)) = list.start(bytes) {
        let bot = found(kind, 0, length);
        if !kind.is_make() {
            return Some(bot);
        }
        made_with = Some(bot);
    }
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if length == 0 {
            // "+http://…" is where a crawler says who runs it. Old browsers' add-ons put addresses without the plus.
            if general.is_none() && begins(rest, "+http") {
                let end = rest.iter().position(|byte| matches!(byte, b' ' | b')' | b';' | b',')).unwrap_or(rest.len());
                // cut inside a character, it is still an address
                let name = agent.get(at..at + end).unwrap_or("+http");
                general = Some(Bot { kind: BotKind::Other, name });
            }
            at += 1;
            continue;
        }
        if let Some((kind, length)) = list.word(rest) {
            let bot = found(kind, at, at + length);
            if !kind.is_make() {
                return Some(bot);
            }
            made_with = made_with.or(Some(bot));
        }
        if general.is_none() {
            let kind = rest[..length].split(|byte| !byte.is_ascii_alphabetic()).find_map(|run| list.general(run));
            general = kind.map(|kind| found(kind, at, at + length));
        }
        at += length;
    }
    made_with.or(general)
}

/// The part of the user agent between two places, grown to the whole name: `archive.org_bot`, `Pingdom.com_bot_version_1.4`.
fn token(agent: &str, from: usize, to: usize) -> &str {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let bytes = agent.as_bytes();
    let before = bytes[..from].iter().rev().take_while(|&byte| part(byte)).count();
    // a slash ends the name: `curl/`
    let after = if bytes[..to].last().is_some_and(part) {
        bytes[to..].iter().take_while(|&byte| part(byte)).count()
    } else {
        0
    };
    // what is not ASCII is no part of a name, so both ends are between characters
    let name = agent.get(from - before..to + after).unwrap_or_default();
    name.trim_matches(|character: char| !character.is_ascii_alphanumeric())
}

/// Where a line of the list looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    Word,
    Ends,
    Inside,
}

/// A line of the list. No kind is a person.
#[derive(Clone, Copy, Debug)]
struct Line {
    kind: Option<BotKind>,
    place: Place,
    text: &'static str,
}

impl Line {
    fn parse(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let kind = match columns.next()? {
            "person" => None,
            kind => Some(kind.parse().ok()?),
        };
        let place = match columns.next()? {
            "start" => Place::Start,
            "word" => Place::Word,
            "ends" => Place::Ends,
            "inside" => Place::Inside,
            _ => return None,
        };
        let text = columns.next().filter(|text| text.starts_with(|first: char| first.is_ascii_alphanumeric()))?;
        columns.next().is_none().then_some(Self { kind, place, text })
    }
}

/// The lines of a list, without what is said about them.
fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

static LIST: LazyLock<List> = LazyLock::new(|| List::new(lines(include_str!("bots.tsv")).filter_map(Line::parse)));

/// The list, by how it is asked.
struct List {
    starts: Vec<Line>,
    /// By the first letter or digit; longer ones first.
    words: [Vec<Line>; 36],
    /// Those that end or hold a run of letters; people first.
    general: Vec<Line>,
}

impl List {
    fn new(lines: impl Iterator<Item = Line>) -> Self {
        let mut list = Self { starts: Vec::new(), words: [const { Vec::new() }; 36], general: Vec::new() };
        for line in lines {
            match line.place {
                Place::Start => list.starts.push(line),
                Place::Word => list.words[drawer(line.text.as_bytes()[0])].push(line),
                Place::Ends | Place::Inside => list.general.push(line),
            }
        }
        for lines in list.words.iter_mut().chain([&mut list.starts]) {
            lines.sort_by_key(|line| std::cmp::Reverse(line.text.len()));
        }
        list.general.sort_by_key(|line| line.kind.is_some());
        list
    }

    fn start(&self, agent: &[u8]) -> Option<(BotKind, usize)> {
        first(&self.starts, agent)
    }

    /// What the word at the front is; `rest` begins with a letter or digit.
    fn word(&self, rest: &[u8]) -> Option<(BotKind, usize)> {
        first(&self.words[drawer(rest[0])], rest)
    }

    /// What a run of letters is by a general word.
    fn general(&self, letters: &[u8]) -> Option<BotKind> {
        let singular = letters.strip_suffix(b"s").or_else(|| letters.strip_suffix(b"S")).unwrap_or(letters);
        let line = self.general.iter().find(|line| match line.place {
            Place::Inside => contains(letters, line.text),
            _ => ends(singular, line.text),
        });
        line?.kind
    }
}

fn first(lines: &[Line], agent: &[u8]) -> Option<(BotKind, usize)> {
    let line = lines.iter().find(|line| begins(agent, line.text))?;
    Some((line.kind?, line.text.len()))
}

/// The place of a letter or digit among the 36, in any case.
fn drawer(byte: u8) -> usize {
    usize::from(match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.to_ascii_lowercase() - b'a' + 10,
    })
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
mod tests;
