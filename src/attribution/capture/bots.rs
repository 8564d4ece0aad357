//! A user agent names a machine if a line of `bots.tsv` matches the user agent. The head of `bots.tsv` says how lines match.
//!
//! The list can only have machines that say what they are. In doubt a user agent counts as a person. A missed bot costs a row,
//! but a person who is mistaken for a bot loses the source of a lead. Apps that open links in their own view (Instagram, `FBAV`,
//! LINE …) count as people. The fetchers that draw link previews for apps (`facebookexternalhit`, `WhatsApp/` …) count as
//! machines.

use std::{cmp::Reverse, ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, Input};

use crate::{attribution::tsv::rows, word_enum::word_enum};

/// How much of a user agent is read, in bytes. Browsers send less than 300.
const MAX_BYTES: usize = 1024;

/// How browsers' user agents begin. No line of the list looks at this text.
const BROWSER: &str = "Mozilla/5.0 (";

/// The name of a machine that sends no user agent.
const NAMELESS: &str = "no user agent";

/// How the address of a crawler's operator begins. The plus matters, because add-ons of old browsers add addresses without a
/// plus.
const ADDRESS: &str = "+http";

word_enum! {
    /// The purpose of a machine. The text is the kind's name in the list.
    pub enum BotKind {
        /// Reads pages for a search engine.
        Crawler = "crawler",
        /// Gathers for a language model, or fetches for its users.
        Ai = "ai",
        /// Draws the preview of a link that someone shared.
        Preview = "preview",
        /// Watches whether and how fast a site answers.
        Monitor = "monitor",
        /// A browser without a screen.
        Headless = "headless",
        /// A program of which only the HTTP library is known.
        Library = "library",
        /// Fetches feeds.
        Feed = "feed",
        /// Audits sites and counts links.
        Seo = "seo",
        /// Looks for weaknesses.
        Scanner = "scanner",
        /// A machine that only a general word identifies, or that sends no user agent.
        Other = "other",
    }
}

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bot<'a> {
    pub kind: BotKind,
    /// The part of the user agent that names the machine: `Googlebot`, `python-requests`, `+http://example.com/about`.
    pub name: &'a str,
}

/// Returns the machine that a `User-Agent` names, and `None` for a person.
///
/// A request without a user agent comes from a machine, because every browser sends one.
pub fn bot(user_agent: Option<&str>) -> Option<Bot<'_>> {
    let agent = user_agent.unwrap_or_default().trim();
    if agent.is_empty() {
        return Some(Bot { kind: BotKind::Other, name: NAMELESS });
    }
    LIST.find(agent)
}

word_enum! {
    /// Where a line of the list must match. The text is its name in the list.
    enum MatchAt {
        Start = "start",
        Word = "word",
        Ends = "ends",
        Inside = "inside",
    }
}

/// A line of the list.
#[derive(Clone, Copy, Debug)]
struct BotLine {
    /// `None` for a person.
    kind: Option<BotKind>,
    at: MatchAt,
    text: &'static str,
}

impl BotLine {
    /// Returns `None` if the line is malformed.
    fn parse([kind, at, text]: [&'static str; 3]) -> Option<Self> {
        let kind = if kind == "person" { None } else { Some(BotKind::from_word(kind)?) };
        let at = MatchAt::from_word(at)?;
        text.starts_with(|first: char| first.is_ascii_alphanumeric()).then_some(Self { kind, at, text })
    }

    /// Returns the place of the match if the line matches where its text was found, else `None`. A place is the user agent's start,
    /// a word, or a run of letters. Only one line counts at each place.
    fn place(&self, agent: &[u8], found: Range<usize>) -> Option<(MatchAt, usize)> {
        let (before, after) = (&agent[..found.start], &agent[found.end..]);
        let plural = after.first().is_some_and(|byte| byte.eq_ignore_ascii_case(&b's'));
        match self.at {
            MatchAt::Start => before.is_empty().then_some((MatchAt::Start, 0)),
            MatchAt::Word => {
                let begins = before.last().is_none_or(|byte| !byte.is_ascii_alphanumeric());
                begins.then_some((MatchAt::Word, found.start))
            }
            MatchAt::Ends if after[usize::from(plural)..].first().is_some_and(u8::is_ascii_alphabetic) => None,
            MatchAt::Inside if self.text == ADDRESS => Some((MatchAt::Inside, found.start)),
            MatchAt::Ends | MatchAt::Inside => {
                let letters = before.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
                Some((MatchAt::Inside, found.start - letters))
            }
        }
    }

    /// Returns how little the line says about a machine. A name (0) says most, then a library or a headless browser (1), then a
    /// general word (2).
    fn vagueness(&self) -> u8 {
        match (self.at, self.kind) {
            (MatchAt::Ends | MatchAt::Inside, _) => 2,
            (_, Some(BotKind::Headless | BotKind::Library)) => 1,
            _ => 0,
        }
    }

    /// Returns the name of a machine, from the part of its user agent that this line found.
    fn name<'a>(&self, agent: &'a str, found: Range<usize>) -> &'a str {
        if self.text != ADDRESS {
            return token(agent, found);
        }
        let address = &agent.as_bytes()[found.start..agent.len().min(MAX_BYTES)];
        let length = address.iter().position(|byte| b" );,".contains(byte)).unwrap_or(address.len());
        // The limit can fall inside a character.
        agent.get(found.start..found.start + length).unwrap_or(ADDRESS)
    }
}

/// Extends the found part of the user agent to the whole name. Example: `bot` in `archive.org_bot` → `archive.org_bot`.
fn token(agent: &str, found: Range<usize>) -> &str {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let (before, after) = (&agent.as_bytes()[..found.start], &agent.as_bytes()[found.end..]);
    let start = found.start - before.iter().rev().take_while(|&byte| part(byte)).count();
    // A text such as `curl/` ends the name by itself.
    let ended = !agent.as_bytes()[..found.end].last().is_some_and(part);
    let more = if ended { 0 } else { after.iter().take_while(|&byte| part(byte)).count() };
    // Both ends are between characters: only ASCII is part of a name.
    let name = agent.get(start..found.end + more).unwrap_or_default();
    name.trim_matches(|character: char| !character.is_ascii_alphanumeric())
}

/// The project's own lines, and those of an upstream.
static LIST: LazyLock<BotList> = LazyLock::new(|| {
    let files = [include_str!("bots.tsv"), include_str!("bots_upstream.tsv")];
    BotList::new(files.into_iter().flat_map(rows).flatten().filter_map(BotLine::parse).collect())
});

/// The list, ready for look-ups.
struct BotList {
    /// If several lines match at one place, the first one counts. So longer words stand before shorter ones, and persons before
    /// general words.
    lines: Vec<BotLine>,
    matcher: AhoCorasick,
}

impl BotList {
    #[expect(clippy::expect_used, reason = "the list is built in, and far below the matcher's limits")]
    fn new(mut lines: Vec<BotLine>) -> Self {
        lines.push(BotLine { kind: Some(BotKind::Other), at: MatchAt::Inside, text: ADDRESS });
        lines.sort_by_key(|line| match line.at {
            MatchAt::Start | MatchAt::Word => Reverse(line.text.len()),
            MatchAt::Ends | MatchAt::Inside => Reverse(usize::from(line.kind.is_none())),
        });
        let matcher = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(lines.iter().map(|line| line.text))
            .expect("the list is shorter than the four billion bytes that a matcher holds");
        Self { lines, matcher }
    }

    /// Returns the machine that the user agent names, in one pass over the user agent.
    fn find<'a>(&self, agent: &'a str) -> Option<Bot<'a>> {
        let bytes = &agent.as_bytes()[..agent.len().min(MAX_BYTES)];
        let from = if agent.starts_with(BROWSER) { BROWSER.len() } else { 0 };
        let matches = self.matcher.find_overlapping_iter(Input::new(bytes).range(from..)).filter_map(|found| {
            let line = found.pattern().as_usize();
            Some((self.lines[line].place(bytes, found.range())?, line, found.range()))
        });
        let mut matches: Vec<_> = matches.collect();
        matches.sort_unstable_by_key(|(place, line, _)| (*place, *line));
        matches.dedup_by_key(|(place, ..)| *place);
        let machines = matches.into_iter().filter_map(|(_, line, found)| {
            let line = &self.lines[line];
            Some((line.vagueness(), Bot { kind: line.kind?, name: line.name(agent, found) }))
        });
        machines.min_by_key(|(vagueness, _)| *vagueness).map(|(_, bot)| bot)
    }
}

#[cfg(test)]
mod tests;
