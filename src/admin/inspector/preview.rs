use super::{ResultCard, ResultFact};
use crate::attribution::signal::{
    self, Dropped, Signals, Utm, custom_tags::CustomTags, from_click_ids, referrer::Referrer,
};

/// Returns what an address says by itself. Channel, rule and verdict need the server.
///
/// `/pricing?utm_source=news#utm_medium=email` → Source: news, Medium: email
pub fn preview(address: &str, linked_from: &str, tags: &CustomTags) -> ResultCard {
    let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let query = format!("{query}&{fragment}");
    let mut signals = signal::parse(&query, tags);
    from_click_ids::fill(&mut signals, Referrer::parse(linked_from).as_ref());
    let left_out = notes_of(&signals.dropped);
    let facts = facts_of(signals);
    let nothing = facts.is_empty().then(|| "No campaign parameter and no click id so far.".to_owned());
    let next = "Press Inspect for the channel, its rule, and whether the arrival counts.".to_owned();
    ResultCard::new("In the address", facts, nothing.into_iter().chain(left_out).chain([next]).collect())
}

/// Returns what is left out of a link, in sentences.
pub fn notes_of(dropped: &Dropped) -> Vec<String> {
    let Dropped { ids, pairs, cut, placeholders } = dropped;
    let placeholder = |name| format!("{name} has a placeholder instead of a value, and is left out.");
    let mut notes: Vec<_> = placeholders.iter().map(placeholder).collect();
    if *cut || *pairs > 0 {
        notes.push("A part of the query is beyond the limit and is not read.".to_owned());
    }
    if *ids > 0 {
        notes.push("A click id that is too long or not text is left out.".to_owned());
    }
    notes
}

/// What the page calls the UTM fields, in their order.
const UTM_LABELS: [&str; Utm::COUNT] =
    ["Source", "Medium", "Campaign", "Term", "Content", "Id", "Source platform", "Creative format", "Marketing tactic"];

/// Returns the signals as the page lists them: UTM fields, then click ids, then custom tags.
pub fn facts_of(signals: Signals) -> Vec<ResultFact> {
    let Signals { utm, click_ids, tags, .. } = signals;
    let utm = UTM_LABELS.into_iter().zip(utm.into_values());
    let utm = utm.filter_map(|(label, value)| Some(ResultFact::new(label, value?)));
    let ids = click_ids.into_iter().map(|(name, value)| ResultFact::mono(name, value));
    let tags = tags.into_iter().map(|(name, values)| ResultFact::mono(name, values.join(", ")));
    utm.chain(ids).chain(tags).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_what_stands_behind_the_hash() {
        let tags = CustomTags::parse("Ref", &[]).expect("a tag");
        let read = |address, linked_from| {
            let facts = preview(address, linked_from, &tags).facts;
            facts.into_iter().map(|fact| format!("{}={}", fact.term, fact.value)).collect::<Vec<_>>().join(" ")
        };
        let address = "https://x.example/a?utm_source=news&ref=b#utm_medium=email";
        assert_eq!(read(address, ""), "Source=news Medium=email Ref=b");
        assert_eq!(read("/a?gclid=C1", "https://www.google.com/"), "Source=google Medium=cpc gclid=C1");
        assert_eq!(read("/a?b=c#d", ""), "");
        assert_eq!(read("", ""), "");
    }
}
