use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Returns the kind of each user agent in the file (`None` for a person), and where the expectation comes from.
fn known() -> Vec<(Option<BotKind>, &'static str, &'static str)> {
    rows(include_str!("user_agents.tsv"))
        .map(|row| {
            let [kind, source, agent] = row.unwrap_or_else(|mistake| panic!("{mistake}"));
            assert!(!source.is_empty(), "no source: {agent}");
            let kind =
                (kind != "person").then(|| BotKind::from_word(kind).unwrap_or_else(|| panic!("no kind: {kind}")));
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

/// Returns the rows of the patterns that are left out: `person` or `wide`, the pattern, the reason.
fn left_out() -> impl Iterator<Item = [&'static str; 3]> {
    rows(include_str!("../bots_left_out.tsv")).map(|row| row.expect("three fields"))
}

#[test]
fn of_an_upstreams_samples_nearly_all_are_machines_but_those_of_people() {
    let people: HashSet<_> = left_out().filter(|[what, ..]| *what == "person").map(|[_, pattern, _]| pattern).collect();
    let samples = rows(include_str!("upstream_samples.tsv")).map(|row| row.expect("two fields"));
    let (of_people, of_machines): (Vec<[_; 2]>, Vec<_>) = samples.partition(|[pattern, _]| people.contains(pattern));
    let missed: Vec<_> = of_machines.iter().filter(|[_, agent]| kind(agent).is_none()).collect();
    assert!(of_machines.len() > 2000 && missed.len() * 100 <= of_machines.len(), "{missed:#?}");
    for [pattern, agent] in of_people {
        assert_eq!(kind(agent), None, "{pattern}: {agent}");
    }
}

#[test]
fn what_is_left_out_has_a_reason() {
    for [what, pattern, why] in left_out() {
        assert!(["person", "wide"].contains(&what) && !why.is_empty(), "{pattern}");
    }
}

#[test]
fn hundreds_of_peoples_browsers_are_people() {
    let agents = rows(include_str!("people.tsv")).map(|row| row.expect("three fields")).map(|[_, _, agent]| agent);
    let distinct: HashSet<&str> = agents.collect();
    assert!(distinct.len() >= 500, "{}", distinct.len());
    let wrong: Vec<_> = distinct.iter().filter_map(|agent| Some((bot(Some(agent))?, agent))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
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
        // The name of the machine decides before the library.
        ("http.rb/5.1.1 (Mastodon/4.2.1; +https://mastodon.social/) Bot", "Mastodon"),
        ("红 Somebot", "Somebot"),
    ];
    for (agent, name) in cases {
        assert_eq!(bot(Some(agent)).map(|bot| bot.name), Some(name), "{agent}");
    }
}

/// Returns the lines of a file of the list.
fn lines(file: &'static str) -> Vec<BotLine> {
    let parsed = |row: Result<[&'static str; 3], String>| {
        BotLine::parse(row.expect("three columns")).unwrap_or_else(|| panic!("not understood"))
    };
    rows(file).map(parsed).collect()
}

/// Returns a user agent that the line is about.
fn example(line: &BotLine) -> String {
    let text = line.text;
    match line.at {
        _ if line.kind.is_none() => text.to_owned(),
        MatchAt::Start => format!("{text} 1"),
        MatchAt::Word => format!("Mozilla/5.0 (compatible; {text}"),
        MatchAt::Ends | MatchAt::Inside => format!("Mozilla/5.0 (compatible; x{text}"),
    }
}

#[test]
fn each_of_our_lines_is_understood_and_needed() {
    let all = lines(include_str!("../bots.tsv"));
    let mut idle = Vec::new();
    for (index, line) in all.iter().enumerate() {
        let agent = example(line);
        assert_eq!(LIST.find(&agent).map(|bot| bot.kind), line.kind, "{line:?}");
        let mut others = all.clone();
        others.remove(index);
        if BotList::new(others).find(&agent).map(|bot| bot.kind) == line.kind {
            idle.push(line);
        }
    }
    assert!(idle.is_empty(), "not needed: {idle:?}");
}

#[test]
fn no_line_looks_at_what_browsers_begin_with() {
    for BotLine { text, .. } in &LIST.lines {
        for (at, _) in BROWSER.char_indices() {
            let rest = &BROWSER.as_bytes()[at..];
            let shared = rest.len().min(text.len());
            assert!(!rest[..shared].eq_ignore_ascii_case(&text.as_bytes()[..shared]), "{text}");
        }
    }
}

#[test]
fn each_line_of_the_upstream_is_understood_and_adds_to_ours() {
    let ours = BotList::new(lines(include_str!("../bots.tsv")));
    for line in lines(include_str!("../bots_upstream.tsv")) {
        let agent = example(&line);
        assert!(LIST.find(&agent).is_some(), "{line:?}");
        let known = ours.find(&agent).is_some_and(|bot| Some(bot.kind) == line.kind);
        assert!(!known, "bin/refresh-data leaves this line out: {line:?}");
    }
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
