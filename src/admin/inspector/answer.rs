use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::{
    InspectorResult, ResultCard, ResultFact, TypedArrival, Verdict,
    preview::{facts_of, notes_of},
};
use crate::{
    admin::words,
    attribution::{
        Attribution,
        capture::{
            arrival::{Arrival, RequestHead, arrival},
            exclusion::Exclusion,
        },
        channel::{Classified, rules::Rules},
        touch::{Landing, TouchOrigin},
    },
};

/// The user agent of an ordinary browser, for a form without one.
pub const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// Returns what the server would do with a typed arrival. The code that captures arrivals decides.
pub fn answer(attribution: &Attribution, typed: &TypedArrival) -> InspectorResult {
    let (address, fragment) = typed.address.split_once('#').unwrap_or((&typed.address, ""));
    let Some(uri) = parse(address) else { return InspectorResult { unreadable: true, ..nothing_asked() } };
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let with_fragment = if fragment.is_empty() { query.to_owned() } else { format!("{query}&{fragment}") };
    let headers = headers(uri.host(), typed);
    let read = |query| {
        let head = RequestHead { method: &Method::GET, path, query: Some(query), headers: &headers };
        arrival(head, &attribution.settings)
    };
    let Some(Arrival { landing, exclusion }) = read(&with_fragment) else {
        let direct = "The link says nothing about its source, and no other site links there: a direct visit. No cookie is set, and \
                      nothing is stored.";
        return ResultCard::new("Nothing to capture", vec![], vec![direct.to_owned()]).into();
    };
    let by_beacon = read(query).is_none_or(|without| without.landing.signals != landing.signals);
    InspectorResult {
        unreadable: false,
        verdict: Some(verdict(exclusion, by_beacon)),
        cards: vec![channel_card(&attribution.settings.rules, &landing), touch_card(landing)],
    }
}

/// Returns what stands beside an empty form.
pub fn nothing_asked() -> InspectorResult {
    let text = "You will see whether the arrival would be captured, its channel, and the rule that decides.";
    ResultCard::new("Paste an address", vec![], vec![text.to_owned()]).into()
}

/// Reads an address, absolute or a path. The function percent-encodes what is typed, as browsers do.
fn parse(address: &str) -> Option<Uri> {
    let mut encoded = String::with_capacity(address.len());
    for c in address.chars() {
        match c.is_ascii_graphic() {
            true => encoded.push(c),
            false => encoded.extend(form_urlencoded::byte_serialize(c.encode_utf8(&mut [0; 4]).as_bytes())),
        }
    }
    let uri: Uri = encoded.parse().ok()?;
    (uri.scheme().is_some() || encoded.starts_with('/')).then_some(uri)
}

fn headers(host: Option<&str>, typed: &TypedArrival) -> HeaderMap {
    let agent = if typed.agent.is_empty() { BROWSER } else { &typed.agent };
    let sent = [
        (header::HOST, host.unwrap_or_default()),
        (header::ACCEPT, "text/html"),
        (header::USER_AGENT, agent),
        (header::REFERER, &typed.linked_from),
        (HeaderName::from_static("sec-gpc"), if typed.gpc { "1" } else { "" }),
    ];
    let sent = sent.into_iter().filter(|(name, value)| !value.is_empty() || name == header::HOST);
    sent.filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))).collect()
}

fn verdict(exclusion: Option<Exclusion>, by_beacon: bool) -> Verdict {
    let Some(why) = exclusion else {
        let text = match by_beacon {
            true => "Browsers do not send the part after the # to servers. The page’s script reads this part.",
            false => "A page view like this becomes a touch.",
        };
        return Verdict { good: true, title: "Captured".to_owned(), text: text.to_owned() };
    };
    Verdict::bad(format!("Not captured: {}", words::exclusion(why)), words::exclusion_explained(why))
}

fn channel_card(rules: &Rules, landing: &Landing) -> ResultCard {
    let Classified { channel, rule } = landing.classify(rules);
    let mut facts = vec![ResultFact::new("Channel", channel.to_string())];
    if let Some(listed) = rules.list().find(|listed| listed.name == rule) {
        facts.push(ResultFact::mono(if listed.custom { "Your rule" } else { "Rule" }, rule));
        facts.push(ResultFact::new("It matches when", listed.about));
    }
    ResultCard::new("Channel", facts, vec![])
}

fn touch_card(landing: Landing) -> ResultCard {
    let Landing { signals, path, referrer, origin, internal, .. } = landing;
    let read_from = match (origin, signals.derived) {
        (TouchOrigin::Referrer, _) => "The page that linked there",
        (_, true) if signals.click_ids.is_empty() => "The link, and the page that linked there",
        (_, true) => "The link and its click id",
        _ => "The link",
    };
    let notes = notes_of(&signals.dropped);
    let mut facts = facts_of(signals);
    facts.push(ResultFact::new("Read from", read_from));
    facts.push(ResultFact::mono("Landing page", path));
    facts.push(match referrer {
        Some(referrer) => ResultFact::mono("Referrer", referrer.as_string()),
        None => ResultFact::new("Referrer", "–"),
    });
    facts.push(ResultFact::new("Linked from this site", if internal { "yes" } else { "no" }));
    ResultCard::new("The touch", facts, notes)
}
