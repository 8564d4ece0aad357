use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::{InspectedArrival, InspectedRule, InspectorResult, TypedArrival, Verdict, fields_of};
use crate::{
    admin::words,
    attribution::{
        Attribution,
        capture::arrival::{Arrival, RequestHead, arrival},
        channel::Classified,
        touch::TouchOrigin,
    },
};

/// An ordinary browser, where none is typed.
pub const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// What would become of a typed arrival, by the code that captures arrivals.
pub fn answer(attribution: &Attribution, typed: &TypedArrival) -> InspectorResult {
    let (address, fragment) = typed.address.split_once('#').unwrap_or((&typed.address, ""));
    let Some(uri) = parse(address) else { return InspectorResult::Unreadable };
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let with_fragment = if fragment.is_empty() { query.to_owned() } else { format!("{query}&{fragment}") };
    let headers = headers(uri.host(), typed);
    let read = |query| {
        let head = RequestHead { method: &Method::GET, path, query: Some(query), headers: &headers };
        arrival(head, &attribution.settings)
    };
    let Some(arrival) = read(&with_fragment) else { return InspectorResult::NothingToCapture };
    let by_beacon = read(query).is_none_or(|without| without.landing.signals != arrival.landing.signals);
    InspectorResult::Arrival(Box::new(describe(attribution, arrival, by_beacon)))
}

/// Reads an address, absolute or a path. Browsers percent-encode what is typed, and so does this.
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
    sent.filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect()
}

fn describe(attribution: &Attribution, arrival: Arrival, by_beacon: bool) -> InspectedArrival {
    let Arrival { landing, exclusion } = arrival;
    let rules = &attribution.settings.rules;
    let Classified { channel, rule } = landing.classify(rules);
    let listed = rules.list().find(|listed| listed.name == rule);
    let dropped = landing.signals.dropped;
    let too_much =
        (dropped.cut || dropped.pairs > 0).then_some("A part of the query lies beyond the cap and is not read.");
    let too_long = (dropped.ids > 0).then_some("A click id is too long, or no text, and is left out.");
    let read_from = match (landing.origin, landing.signals.derived) {
        (TouchOrigin::Referrer, _) => "The page that linked there",
        (_, true) => "The click id",
        _ => "The link",
    };
    InspectedArrival {
        verdict: match exclusion {
            None => Verdict::Captured { by_beacon },
            Some(why) => Verdict::NotCaptured {
                label: words::exclusion(why).to_owned(),
                explanation: words::exclusion_explained(why).to_owned(),
            },
        },
        channel: channel.to_string(),
        rule: InspectedRule {
            name: rule.to_owned(),
            about: listed.as_ref().map(|listed| listed.about.to_string()).unwrap_or_default(),
            custom: listed.is_some_and(|listed| listed.custom),
        },
        read_from: read_from.to_owned(),
        landing_path: landing.path,
        referrer: landing.referrer.map(|referrer| referrer.as_string()),
        internal: landing.internal,
        left_out: [too_much, too_long].into_iter().flatten().map(str::to_owned).collect(),
        fields: fields_of(landing.signals),
    }
}
