use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// What the user agents in the file are, no kind for a person, and where each expectation comes from.
fn known() -> Vec<(Option<BotKind>, &'static str, &'static str)> {
    lines(include_str!("user_agents.tsv"))
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let &[kind, source, agent] = columns.as_slice() else { panic!("three columns: {line}") };
            assert!(!source.is_empty(), "no source: {line}");
            let kind = (kind != "person").then(|| kind.parse().unwrap_or_else(|_| panic!("no kind: {line}")));
            (kind, source, agent)
        })
        .collect()
}

fn kind(agent: &str) -> Option<BotKind> {
    bot(Some(agent)).map(|bot| bot.kind)
}

#[test]
fn people_are_people_and_machines_of_their_kind() {
    let mut wrong = Vec::new();
    for (expected, source, agent) in known() {
        let found = bot(Some(agent));
        if found.map(|bot| bot.kind) != expected {
            wrong.push(format!("{agent}\n    is {expected:?} ({source}), found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn case_does_not_matter() {
    for (expected, _, agent) in known() {
        assert_eq!(kind(&agent.to_ascii_uppercase()), expected, "{agent}");
        assert_eq!(kind(&agent.to_ascii_lowercase()), expected, "{agent}");
    }
}

#[test]
fn the_file_has_enough_of_each() {
    let known = known();
    let distinct: HashSet<&str> = known.iter().map(|(_, _, agent)| *agent).collect();
    assert_eq!(distinct.len(), known.len(), "one is listed twice");
    let people = known.iter().filter(|(kind, ..)| kind.is_none()).count();
    assert!(people >= 80 && known.len() - people >= 120, "{people} people of {}", known.len());
    for wanted in BotKind::ALL {
        assert!(known.iter().filter(|(kind, ..)| *kind == Some(wanted)).count() >= 5, "{wanted:?}");
    }
}

#[test]
fn nobody_is_a_machine() {
    for agent in [None, Some(""), Some("   ")] {
        assert_eq!(bot(agent), Some(Bot { kind: BotKind::Other, name: "no user agent" }));
    }
}

#[test]
fn the_name_is_what_gave_it_away() {
    let cases = [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        ("Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)", "Google-InspectionTool"),
        ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "Pingdom.com_bot_version_1.4"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (compatible; Some-Bot/1)", "Some-Bot"),
        ("Mozilla/5.0 (compatible; Example/2.0; +https://example.com/about)", "+https://example.com/about"),
        ("Mozilla/5.0 (X11) HeadlessChrome/140.0 Safari/537.36", "HeadlessChrome"),
        // who runs it, not what it is made with
        ("http.rb/5.1.1 (Mastodon/4.2.1; +https://mastodon.social/) Bot", "Mastodon"),
        ("红 Somebot", "Somebot"),
    ];
    for (agent, name) in cases {
        assert_eq!(bot(Some(agent)).map(|bot| bot.name), Some(name), "{agent}");
    }
}

#[test]
fn every_line_of_the_list_is_understood_and_needed() {
    let all: Vec<&str> = lines(include_str!("../bots.tsv")).collect();
    let mut idle = Vec::new();
    for (index, &line) in all.iter().enumerate() {
        let Line { kind, place, text } = Line::parse(line).unwrap_or_else(|| panic!("not understood: {line}"));
        let agent = match place {
            Place::Start => format!("{text} 1"),
            Place::Word => format!("Mozilla/5.0 (compatible; {text}"),
            Place::Ends | Place::Inside => format!("Mozilla/5.0 (compatible; x{text}"),
        };
        let agent = if kind.is_none() { text } else { &agent };
        assert_eq!(named(&LIST, agent).map(|bot| bot.kind), kind, "{line}");
        let others = all.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, line)| *line);
        let without = List::new(others.filter_map(Line::parse));
        if named(&without, agent).map(|bot| bot.kind) == kind {
            idle.push(line);
        }
    }
    assert!(idle.is_empty(), "not needed: {idle:?}");
}

proptest! {
    #[test]
    fn any_user_agent_is_read_without_panic(agent in any::<String>(), repeat in 0_usize..200) {
        bot(Some(&agent.repeat(repeat)));
    }

    #[test]
    fn an_address_is_found_at_any_cut(front in "[a-z/ ü红]{1000,1030}") {
        let agent = format!("{front}+https://example.com/红红");
        let seen = front.len() + "+http".len() <= MAX_BYTES;
        prop_assert!(!seen || bot(Some(&agent)).is_some());
    }

    #[test]
    fn a_machine_is_found_anywhere(front in "[A-Za-z/;0-9]{0,40}", back in "[A-Za-z/;0-9 ]{0,40}") {
        let agent = format!("{front} Somebot/1 {back}");
        prop_assert!(bot(Some(&agent)).is_some());
    }
}
