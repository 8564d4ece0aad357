//! The table of all cases. For every combination of what a request can be, the plan must agree with the first row that fits.

use std::cell::Cell;

use axum::http::{HeaderMap, HeaderValue, Method, header};

use super::*;
use crate::{
    attribution::{
        settings::Site,
        signal::{custom_tags::CustomTags, parse},
    },
    timestamp::Timestamp,
    variables::Variables,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Arriving {
    /// The address holds no signal.
    Silent,
    /// A landing that counts.
    Landing,
    /// A landing that the browser prefetches.
    Prefetched,
}

/// Whether an earlier touch waits in the browser's cookie.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Waiting {
    None,
    One,
}

/// `ATTRIBUTION_CONSENT`, and what the visitor decided.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Implied,
    ImpliedDeclined,
    RequiredUndecided,
    RequiredAgreed,
    RequiredDeclined,
}

/// Where a landing of an earlier page is carried.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Carried {
    Nowhere,
    /// In the address, which a page of this site led to.
    InAddress,
    /// In the address, which somebody copied and sent.
    InCopiedAddress,
    InPageBefore,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    arriving: Arriving,
    waiting: Waiting,
    mode: Mode,
    carried: Carried,
    session: SessionState,
    admitted: bool,
}

/// What a plan does, and with which touches, by their sources.
#[derive(Debug, PartialEq)]
enum Does {
    Pass,
    AskAgain,
    /// Asks again at the address without the landing of another browser.
    AskAgainWithout,
    Ask(&'static str),
    Record(&'static [&'static str]),
}

type Row = (fn(Case) -> bool, Does, Option<Exclusion>);

/// The first row whose condition holds says what is done, and what is counted beside a prefetched landing.
const TABLE: &[Row] = &[
    // Declined: nothing is kept, in either mode.
    (|c| c.declined() && c.arriving == Arriving::Landing, Does::Pass, Some(Exclusion::Refused)),
    (|c| c.declined(), Does::Pass, None),
    // Undecided: nothing is stored. The landing waits in the page, or comes along from the page before. A copied address loses
    // the landing of the browser that it comes from.
    (
        |c| c.undecided() && c.carried == Carried::InCopiedAddress && c.arriving != Arriving::Prefetched,
        Does::AskAgainWithout,
        None,
    ),
    (|c| c.undecided() && c.arriving == Arriving::Landing, Does::Ask("here"), Some(Exclusion::Undecided)),
    (|c| c.undecided() && c.carried == Carried::InAddress, Does::Ask("carried"), None),
    (|c| c.undecided() && c.carried == Carried::InPageBefore && c.arriving == Arriving::Silent, Does::AskAgain, None),
    (|c| c.undecided(), Does::Pass, None),
    // From here on the visitor agreed, or is not asked.
    (|c| c.session == SessionState::Missing, Does::Pass, None),
    (|c| c.arriving != Arriving::Landing && c.waiting == Waiting::None, Does::Pass, None),
    (|c| !c.admitted, Does::Pass, Some(Exclusion::Flood)),
    (|c| c.arriving != Arriving::Landing, Does::Record(&["earlier"]), None),
    (|c| c.waiting == Waiting::None, Does::Record(&["here"]), None),
    (|_| true, Does::Record(&["earlier", "here"]), None),
];

impl Case {
    fn declined(self) -> bool {
        matches!(self.mode, Mode::ImpliedDeclined | Mode::RequiredDeclined)
    }

    fn undecided(self) -> bool {
        self.mode == Mode::RequiredUndecided
    }

    fn all() -> impl Iterator<Item = Self> {
        use Mode::{Implied, ImpliedDeclined, RequiredAgreed, RequiredDeclined, RequiredUndecided};
        let mut all = Vec::new();
        for arriving in [Arriving::Silent, Arriving::Landing, Arriving::Prefetched] {
            for waiting in [Waiting::None, Waiting::One] {
                for mode in [Implied, ImpliedDeclined, RequiredUndecided, RequiredAgreed, RequiredDeclined] {
                    for carried in
                        [Carried::Nowhere, Carried::InAddress, Carried::InCopiedAddress, Carried::InPageBefore]
                    {
                        for session in [SessionState::Missing, SessionState::New, SessionState::Known] {
                            for admitted in [true, false] {
                                all.push(Self { arriving, waiting, mode, carried, session, admitted });
                            }
                        }
                    }
                }
            }
        }
        all.into_iter()
    }

    fn settings(self) -> Settings {
        let required = !matches!(self.mode, Mode::Implied | Mode::ImpliedDeclined);
        let get = |name: &str| (required && name == "ATTRIBUTION_CONSENT").then(|| "required".to_owned());
        Settings::read(
            &mut Variables::new(&get),
            Site { url: "http://shop.example", no_pages: &[], reserved_parameters: &[] },
        )
    }

    fn query(self) -> String {
        let mut query = Vec::new();
        if self.arriving != Arriving::Silent {
            query.push("utm_source=here".to_owned());
        }
        if matches!(self.carried, Carried::InAddress | Carried::InCopiedAddress) {
            query.push(format!("_wm={}", deferred("carried").encoded()));
        }
        query.join("&")
    }

    fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut set = |name, value: &str| headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        set(header::HOST, "shop.example");
        set(header::ACCEPT, "text/html");
        set(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        if self.arriving == Arriving::Prefetched {
            set("sec-purpose".parse().expect("a name"), "prefetch");
        }
        let from_here = matches!(self.carried, Carried::InAddress | Carried::InPageBefore);
        set("sec-fetch-site".parse().expect("a name"), if from_here { "same-origin" } else { "none" });
        if self.carried == Carried::InPageBefore {
            set(header::REFERER, "http://shop.example/before?utm_source=before");
        }
        if self.waiting == Waiting::One {
            let (cookie, _) = deferred::set_cookie(&[deferred("earlier")], false);
            set(header::COOKIE, cookie.split(';').next().expect("a pair"));
        }
        match self.mode {
            Mode::Implied | Mode::RequiredUndecided => {}
            Mode::RequiredAgreed => {
                set(header::COOKIE, "waymark-consent=yes.1.5");
            }
            Mode::ImpliedDeclined | Mode::RequiredDeclined => {
                set(header::COOKIE, "waymark-consent=no.1.5");
            }
        }
        headers
    }
}

fn touch(source: &str) -> Touch {
    Touch::of_link(parse(&format!("utm_source={source}"), &CustomTags::default()), "/", NOW)
}

fn deferred(source: &str) -> DeferredTouch {
    DeferredTouch::of(&touch(source))
}

/// Returns the sources of a plan's touches, the oldest first.
fn sources(plan: &Plan, settings: &Settings) -> Vec<String> {
    let restore = |touch: &DeferredTouch| touch.restore(settings, NOW, false).expect("a touch");
    let touches: Vec<Touch> = match plan {
        Plan::PassThrough | Plan::Return | Plan::AskAgainAt(_) => Vec::new(),
        Plan::AskForConsent(touch) => vec![restore(touch)],
        Plan::Record(recording) => {
            recording.deferred.iter().map(restore).chain(recording.touch.iter().cloned()).collect()
        }
    };
    touches.into_iter().filter_map(|touch| touch.utm.source).collect()
}

#[test]
fn every_combination_meets_its_row() {
    let mut met = vec![0; TABLE.len()];
    for case in Case::all() {
        let (settings, query, headers) = (case.settings(), case.query(), case.headers());
        let head = RequestHead { method: &Method::GET, path: "/page", query: Some(&query), headers: &headers };
        let asked = Cell::new(0);
        let admits = |demand: Demand| {
            asked.set(asked.get() + 1);
            let touches = usize::from(case.arriving == Arriving::Landing) + usize::from(case.waiting == Waiting::One);
            assert_eq!(demand, Demand { new_visitor: case.session == SessionState::New, touches }, "{case:?}");
            case.admitted
        };
        let planned = plan(head, case.session, &settings, NOW, admits);

        let place = TABLE.iter().position(|(fits, ..)| fits(case)).expect("the last row fits all");
        let (_, does, excluded) = &TABLE[place];
        met[place] += 1;
        let prefetched = (case.arriving == Arriving::Prefetched).then_some(Exclusion::Prefetch);
        let prefetched = prefetched.filter(|_| *does != Does::AskAgainWithout);
        let counted: Vec<Exclusion> = prefetched.into_iter().chain(*excluded).collect();
        assert_eq!(planned.excluded, counted, "{case:?}");
        // The page then says so to its beacon.
        assert_eq!(planned.is_loaded_ahead(), prefetched.is_some(), "{case:?}");
        let is_right = match (does, &planned.plan) {
            (Does::Pass, Plan::PassThrough) => true,
            (Does::AskAgain, Plan::AskAgainAt(address)) => {
                address.to_str().is_ok_and(|address| address.starts_with("/page?_wm="))
            }
            (Does::AskAgainWithout, Plan::AskAgainAt(address)) => {
                address == if case.arriving == Arriving::Landing { "/page?utm_source=here" } else { "/page" }
            }
            (Does::Ask(source), plan @ Plan::AskForConsent(_)) => sources(plan, &settings) == [*source],
            (Does::Record(expected), plan @ Plan::Record(recording)) => {
                let agreed_at = (case.mode == Mode::RequiredAgreed).then_some(Timestamp::from_millis(5));
                sources(plan, &settings) == *expected && recording.agreed_at == agreed_at
            }
            _ => false,
        };
        assert!(is_right, "{case:?} → {:?}, not {does:?}", planned.plan);
        // An address is asked about only before something would be stored.
        let would_store = matches!(does, Does::Record(_)) || *excluded == Some(Exclusion::Flood);
        assert_eq!(asked.get(), u32::from(would_store), "{case:?}");
    }
    assert!(met.iter().all(|times| *times > 0), "a row that no case meets: {met:?}");
}

#[test]
fn a_machine_stores_nothing_that_waits() {
    let case = Case {
        arriving: Arriving::Silent,
        waiting: Waiting::One,
        mode: Mode::Implied,
        carried: Carried::Nowhere,
        session: SessionState::Known,
        admitted: true,
    };
    let mut headers = case.headers();
    headers.insert(header::USER_AGENT, HeaderValue::from_static("curl/8.5.0"));
    let head = RequestHead { method: &Method::GET, path: "/", query: None, headers: &headers };
    let planned = plan(head, case.session, &case.settings(), NOW, |_| true);
    assert!(matches!(planned.plan, Plan::PassThrough), "{:?}", planned.plan);
}

#[test]
fn a_return_from_signing_in_or_paying_is_told_apart() {
    let from = |referer: &'static str, path, query, mode, waiting| {
        let case = Case {
            arriving: Arriving::Silent,
            waiting,
            mode,
            carried: Carried::Nowhere,
            session: SessionState::New,
            admitted: true,
        };
        let mut headers = case.headers();
        headers.insert(header::REFERER, HeaderValue::from_static(referer));
        let head = RequestHead { method: &Method::GET, path, query: Some(query), headers: &headers };
        plan(head, case.session, &case.settings(), NOW, |_| true).plan
    };
    for mode in [Mode::Implied, Mode::ImpliedDeclined, Mode::RequiredUndecided, Mode::RequiredAgreed] {
        for (referer, query) in [("https://github.com/", "code=3f1c&state=x"), ("https://checkout.stripe.com/", "")] {
            let planned = from(referer, "/back", query, mode, Waiting::None);
            assert!(matches!(planned, Plan::Return), "{mode:?} {referer}: {planned:?}");
        }
    }
    let planned = from("https://github.com/", "/back", "code=3f1c&state=x", Mode::Implied, Waiting::One);
    assert!(matches!(planned, Plan::Record(_)), "what waits is stored: {planned:?}");
    for (path, query) in [("/back", "code=SAVE10"), ("/back", "code=3f1c&state=x&utm_source=a"), ("/", "")] {
        let planned = from("https://github.com/", path, query, Mode::Implied, Waiting::None);
        assert!(matches!(planned, Plan::Record(_)), "{query}: {planned:?}");
    }
    let planned = from("http://shop.example/login", "/back", "code=3f1c&state=x", Mode::Implied, Waiting::None);
    assert!(matches!(planned, Plan::PassThrough), "a page of this site: {planned:?}");
}

#[test]
fn what_was_not_kept_of_a_query_is_told() {
    let case = Case {
        arriving: Arriving::Landing,
        waiting: Waiting::None,
        mode: Mode::Implied,
        carried: Carried::Nowhere,
        session: SessionState::Known,
        admitted: true,
    };
    let (headers, query) = (case.headers(), format!("utm_source=here&gclid={}", "x".repeat(2049)));
    let head = RequestHead { method: &Method::GET, path: "/", query: Some(&query), headers: &headers };
    let planned = plan(head, case.session, &case.settings(), NOW, |_| true);
    assert_eq!(planned.dropped.ids, 1);
}
