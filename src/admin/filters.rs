//! The filter as pages show it: periods and a panel in the toolbar, chips for what is on, what could not be understood.

use jiff::civil::Date;
use leptos::prelude::*;

use crate::{
    attribution::{
        channel::Channel,
        model::Model,
        report::{Filter, FilterField, ParsedFilter, Period, Preset, filter::href},
    },
    components::{
        Chip, FilterBar, FilterChips, FilterDate, FilterOption, FilterSearch, FilterSelect, FilterText, Segment,
        Segmented,
    },
    timestamp::Timestamp,
};

/// Time zones that are offered; any other can be asked for in the address.
const ZONES: [&str; 30] = [
    "UTC",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Toronto",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Kolkata",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Warsaw",
    "Pacific/Auckland",
];

/// The choice of model and kind, on pages that show credit.
#[derive(Clone, Debug)]
pub struct CreditChoice {
    /// The model that holds where none is asked for.
    pub default: Model,
    /// The kinds of conversions there are.
    pub kinds: Vec<String>,
}

/// The filter of one page.
#[derive(Clone, Debug)]
pub struct PageFilter {
    pub parsed: ParsedFilter,
    /// Where the page is.
    pub path: &'static str,
    /// Parameters of the page itself that its links must not lose.
    pub keep: Vec<(&'static str, String)>,
    /// Nothing where the page shows no credit; its links keep what others show it by.
    pub credit: Option<CreditChoice>,
    pub now: Timestamp,
}

impl PageFilter {
    pub fn filter(&self) -> &Filter {
        &self.parsed.filter
    }

    /// This page with another filter.
    pub fn here(&self, filter: &Filter) -> String {
        let keep: Vec<_> = self.keep.iter().map(|(name, value)| (*name, value.as_str())).collect();
        filter.href(self.path, &keep)
    }

    /// This page with one parameter of its own changed.
    pub fn with_own(&self, name: &'static str, value: &str) -> String {
        let others = self.keep.iter().filter(|(key, _)| *key != name).map(|(key, value)| (*key, value.as_str()));
        let own: Vec<_> = others.chain([(name, value)]).collect();
        self.filter().href(self.path, &own)
    }

    /// This page without one parameter of its own.
    pub fn without_own(&self, name: &'static str) -> String {
        let others = self.keep.iter().filter(|(key, _)| *key != name).map(|(key, value)| (*key, value.as_str()));
        self.filter().href(self.path, &others.collect::<Vec<_>>())
    }

    /// The file with what this page shows, and all of it.
    pub fn csv_href(&self, path: &str, further: &[(&str, &str)]) -> String {
        let pairs = self.filter().dated_pairs();
        href(path, pairs.iter().map(|(name, value)| (*name, value.as_str())).chain(further.iter().copied()))
    }

    /// A page about one thing, which shows times in the same zone and credit by the same model.
    pub fn detail(&self, path: &str) -> String {
        detail(path, self.filter())
    }

    /// The named periods, and all conditions behind a button, where they do not stand in the page already.
    pub fn toolbar(&self) -> AnyView {
        let period = &self.filter().period;
        let today = period.day_of(self.now);
        let segments = Preset::EVERY
            .into_iter()
            .map(|preset| {
                let named = Period::preset(preset, today, period.tz.clone());
                Segment {
                    label: label(preset).to_owned(),
                    href: self.here(&self.filter().during(named)),
                    current: period.preset == Some(preset),
                }
            })
            .collect();
        let panel = self.parsed.problems.is_empty().then(|| {
            let fields = self.fields();
            view! {
                <details class="filter-panel">
                    <summary class="button">"Filter"</summary>
                    <div class="filter-panel-body card">{fields}</div>
                </details>
            }
        });
        view! { <Segmented label="Period" segments/> {panel} }.into_any()
    }

    /// All conditions as fields.
    fn fields(&self) -> AnyView {
        let mut keep: Vec<(String, String)> = self.own();
        if let Some(preset) = self.filter().period.preset {
            keep.push(("period".into(), preset.as_str().into()));
        }
        if let Some(q) = self.filter().q.clone() {
            keep.push(("q".into(), q));
        }
        // Days are shown where days were asked for: a named period would otherwise stop moving on.
        let typed = |name: &str| self.parsed.typed(name);
        let zones = ZONES.into_iter().map(FilterOption::same).collect();
        let channels = Channel::ALL.into_iter().map(|channel| FilterOption::same(channel.as_str())).collect();
        let credit = match self.credit.clone() {
            Some(CreditChoice { default, kinds }) => {
                let models =
                    Model::ALL.into_iter().map(|model| FilterOption::new(model.as_str(), model.label())).collect();
                let model = typed("model").unwrap_or_else(|| default.as_str().to_owned());
                let kinds = kinds.into_iter().map(FilterOption::same).collect();
                view! {
                    <FilterSelect name="model" label="Credit by" options=models selected=model/>
                    <FilterSelect name="kind" label="Conversions" options=kinds selected=typed("kind") any="All kinds"/>
                }
                .into_any()
            }
            None => {
                let filter = self.filter();
                let model = filter.model.map(|model| ("model".to_owned(), model.as_str().to_owned()));
                keep.extend(model.into_iter().chain(filter.kind.clone().map(|kind| ("kind".to_owned(), kind))));
                ().into_any()
            }
        };
        let texts = [
            FilterField::Source,
            FilterField::Medium,
            FilterField::Campaign,
            FilterField::Term,
            FilterField::Content,
        ]
        .into_iter()
        .map(|field| {
            view! { <FilterText name=field.name() label=field.label() value=typed(field.name()) placeholder="Any"/> }
        })
        .collect_view();
        let zone = typed("tz").unwrap_or_else(|| "UTC".to_owned());
        let channel = typed("channel");
        let (from, to) = (typed("from"), typed("to"));
        let path = self.path;
        view! {
            <FilterBar action=path keep=keep>
                <FilterDate name="from" label="From" value=from/>
                <FilterDate name="to" label="To" value=to/>
                <FilterSelect name="tz" label="Time zone" options=zones selected=zone/>
                <FilterSelect name="channel" label="Channel" options=channels selected=channel any="Any"/>
                {credit}
                {texts}
            </FilterBar>
            <p class="muted small">"Write “(not set)” for touches without a value."</p>
        }
        .into_any()
    }

    /// A search field of its own.
    pub fn search(&self, label: &'static str, placeholder: &'static str) -> AnyView {
        let kept = self
            .filter()
            .pairs()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .filter(|(name, _)| name != "q")
            .chain(self.own())
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect_view();
        view! {
            <form class="filters search" method="get" action=self.path role="search" aria-label=label>
                {kept}
                <FilterSearch name="q" label value=self.filter().q.clone() placeholder/>
                <button class="button" type="submit">"Search"</button>
            </form>
        }
        .into_any()
    }

    /// The conditions that are on.
    pub fn chips(&self) -> AnyView {
        let filter = self.filter();
        let mut chips: Vec<Chip> = FilterField::ALL
            .into_iter()
            .filter_map(|field| {
                Some(Chip {
                    label: field.label().to_owned(),
                    value: filter.get(field)?.to_owned(),
                    remove_href: self.here(&filter.clone().with(field, None)),
                })
            })
            .collect();
        let mut chip = |label: &str, value: String, without: Filter| {
            chips.push(Chip { label: label.to_owned(), value, remove_href: self.here(&without) });
        };
        if let Some(q) = filter.q.clone() {
            chip("Search", q, filter.clone().searching(None));
        }
        if let Some(choice) = &self.credit {
            if let Some(kind) = filter.kind.clone() {
                chip("Conversion", kind, filter.clone().of_kind(None));
            }
            if let Some(model) = filter.model.filter(|model| *model != choice.default) {
                chip("Model", model.label().to_owned(), filter.clone().by_model(None));
            }
        }
        view! { <FilterChips chips clear_href=self.here(&Filter::new(filter.period.clone()))/> }.into_any()
    }

    /// What could not be understood, in words, with all fields as they were typed.
    pub fn problems(&self) -> AnyView {
        let problems = &self.parsed.problems;
        let one = problems.len() == 1;
        (!problems.is_empty())
            .then(|| {
                let messages =
                    problems.iter().map(|problem| view! { <li>{problem.message.clone()}</li> }).collect_view();
                let rest = if one { "It is left out of the filter." } else { "They are left out of the filter." };
                let fields = self.fields();
                view! {
                    <div class="alert bad" role="alert"><ul>{messages}</ul><p class="muted">{rest}</p></div>
                    <div class="card filter-fields">{fields}</div>
                }
            })
            .into_any()
    }

    /// What stands above the content of a page: problems and chips.
    pub fn above(&self) -> AnyView {
        view! { {self.problems()} {self.chips()} }.into_any()
    }

    /// The period in words, with the time zone where it is not UTC.
    pub fn period_words(&self) -> String {
        let zone = self.filter().tz_name();
        let words = words(&self.filter().period);
        if zone == "UTC" { words } else { format!("{words}, {zone}") }
    }

    fn own(&self) -> Vec<(String, String)> {
        self.keep.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }
}

fn label(preset: Preset) -> &'static str {
    match preset {
        Preset::Days7 => "7 days",
        Preset::Days30 => "30 days",
        Preset::Days90 => "90 days",
        Preset::Months12 => "12 months",
        Preset::All => "All time",
    }
}

fn words(period: &Period) -> String {
    match (period.from, period.to) {
        (None, None) => "All time".to_owned(),
        (Some(from), None) => format!("Since {}", long(from)),
        (None, Some(to)) => format!("Until {}", long(to)),
        (Some(from), Some(to)) if from == to => long(to),
        (Some(from), Some(to)) if from.year() == to.year() => format!("{} – {}", short(from), long(to)),
        (Some(from), Some(to)) => format!("{} – {}", long(from), long(to)),
    }
}

/// The address of a page about one thing, which shows times in the filter's zone and credit by its model.
pub fn detail(path: &str, filter: &Filter) -> String {
    let zone = (filter.tz_name() != "UTC").then_some(("tz", filter.tz_name()));
    href(path, zone.into_iter().chain(filter.model.map(|model| ("model", model.as_str()))))
}

/// `24 Oct 2026`.
pub fn long(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

/// `24 Oct`.
pub fn short(day: Date) -> String {
    day.strftime("%-d %b").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_reads_as_short_as_it_can() {
        let now = Timestamp::from_millis(1_795_476_600_000); // 2026-11-23
        for (query, expected) in [
            ("", "25 Oct – 23 Nov 2026"),
            ("period=all", "All time"),
            ("from=2026-11-01&to=2026-11-01", "1 Nov 2026"),
            ("from=2025-12-31&to=2026-01-01", "31 Dec 2025 – 1 Jan 2026"),
            ("from=2026-01-01", "Since 1 Jan 2026"),
            ("to=2026-01-01", "Until 1 Jan 2026"),
        ] {
            assert_eq!(words(&Filter::parse(query, Preset::Days30, now).filter.period), expected, "{query}");
        }
    }

    #[test]
    fn offered_time_zones_exist() {
        for zone in ZONES {
            let parsed = Filter::parse(&format!("tz={zone}"), Preset::All, Timestamp::EPOCH);
            assert_eq!((parsed.filter.tz_name(), parsed.problems.len()), (zone, 0));
        }
    }

    #[test]
    fn links_keep_what_the_page_knows() {
        let parsed = Filter::parse("campaign=a%26b&period=7d", Preset::All, Timestamp::EPOCH);
        let page = PageFilter {
            parsed,
            path: "/admin",
            keep: vec![("sort", "-rate".into()), ("x", "1".into())],
            credit: None,
            now: Timestamp::EPOCH,
        };
        assert_eq!(page.with_own("sort", "leads"), "/admin?period=7d&campaign=a%26b&x=1&sort=leads");
        assert_eq!(page.here(&page.filter().bare()), "/admin?period=7d&sort=-rate&x=1");
    }
}
