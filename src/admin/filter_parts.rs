use leptos::prelude::*;

use super::{page_filter::PageFilter, words};
use crate::{
    attribution::{
        channel::Channel,
        model::Model,
        report::{Filter, FilterField, Period, Preset},
    },
    components::{
        Chip, FilterBar, FilterChips, FilterDate, FilterOption, FilterSearch, FilterSelect, FilterText, Segment,
        Segmented,
    },
};

/// The time zones that the form offers. The address takes any other time zone too.
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

/// The fields of text that touches can be filtered by.
const TEXT_FIELDS: [FilterField; 5] =
    [FilterField::Source, FilterField::Medium, FilterField::Campaign, FilterField::Term, FilterField::Content];

/// The named periods, and a button that opens the panel of all conditions.
///
/// With a mistake in the address there is no button: [`ActiveFilter`] shows the fields in the page.
#[component]
pub fn FilterToolbar(page: PageFilter) -> impl IntoView {
    let period = &page.filter().period;
    let today = period.day_of(page.now);
    let segments = Preset::ALL
        .into_iter()
        .map(|preset| {
            let named = Period::preset(preset, today, period.tz.clone());
            Segment {
                label: words::preset(preset).to_owned(),
                href: page.here(&page.filter().during(named)),
                current: period.preset == Some(preset),
            }
        })
        .collect();
    let understood = page.parsed.problems.is_empty();
    view! {
        <Segmented label="Period" segments/>
        {understood.then(|| view! {
            <details class="filter-panel">
                <summary class="button">"Filter"</summary>
                <div class="filter-panel-body card"><FilterFields page/></div>
            </details>
        })}
    }
}

/// All conditions as fields.
#[component]
fn FilterFields(page: PageFilter) -> impl IntoView {
    let typed = |name: &str| page.parsed.typed(name);
    let (from, to, channel) = (typed("from"), typed("to"), typed("channel"));
    let zone = typed("tz").unwrap_or_else(|| "UTC".to_owned());
    let zones = ZONES.into_iter().map(FilterOption::same).collect();
    let channels = Channel::ALL.into_iter().map(|channel| FilterOption::same(channel.as_str())).collect();
    let texts = TEXT_FIELDS
        .into_iter()
        .map(|field| {
            let (name, label) = (field.as_str(), words::field(field));
            view! { <FilterText name label value=typed(name) placeholder="Any"/> }
        })
        .collect_view();
    let (action, keep) = (page.path, kept_by_fields(&page));
    view! {
        <FilterBar action keep>
            <FilterDate name="from" label="From" value=from/>
            <FilterDate name="to" label="To" value=to/>
            <FilterSelect name="tz" label="Time zone" options=zones selected=zone/>
            <FilterSelect name="channel" label="Channel" options=channels selected=channel any="Any"/>
            <CreditFields page/>
            {texts}
        </FilterBar>
        <p class="muted small">"To find touches without a value, enter “(not set)”."</p>
    }
}

/// Returns the parameters that the fields do not show and that the next page must not lose.
fn kept_by_fields(page: &PageFilter) -> Vec<(String, String)> {
    let filter = page.filter();
    // The fields show days only where days were asked for: otherwise a named period would stop moving on.
    let period = filter.period.preset.map(|preset| ("period", preset.as_str().to_owned()));
    let q = filter.q.clone().map(|q| ("q", q));
    let mut kept: Vec<_> = page.own.iter().cloned().chain(period).chain(q).collect();
    if page.kinds.is_none() {
        kept.extend(filter.model.map(|model| ("model", model.as_str().to_owned())));
        kept.extend(filter.kind.clone().map(|kind| ("kind", kind)));
    }
    kept.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The model and the kind of conversions, on pages that show credit.
#[component]
fn CreditFields(page: PageFilter) -> impl IntoView {
    let models = Model::ALL.into_iter().map(|model| FilterOption::new(model.as_str(), words::model(model))).collect();
    let model = page.parsed.typed("model").unwrap_or_else(|| page.default_model.as_str().to_owned());
    let kind = page.parsed.typed("kind");
    page.kinds.map(|kinds| {
        let kinds = kinds.into_iter().map(FilterOption::same).collect();
        view! {
            <FilterSelect name="model" label="Credit by" options=models selected=model/>
            <FilterSelect name="kind" label="Conversions" options=kinds selected=kind any="All kinds"/>
        }
    })
}

/// A search field with its button. The rest of the filter stays.
#[component]
pub fn SearchForm(page: PageFilter, label: &'static str, placeholder: &'static str) -> impl IntoView {
    let filter = page.filter().pairs().into_iter().filter(|(name, _)| *name != "q");
    let kept = filter
        .chain(page.own.iter().cloned())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view();
    view! {
        <form class="filters search" method="get" action=page.path role="search" aria-label=label>
            {kept}
            <FilterSearch name="q" label value=page.filter().q.clone() placeholder/>
            <button class="button" type="submit">"Search"</button>
        </form>
    }
}

/// The top of a page's content: the mistakes in the address, and the active conditions.
#[component]
pub fn ActiveFilter(page: PageFilter) -> impl IntoView {
    let chips = chips(&page);
    let clear_href = page.here(&Filter::new(page.filter().period.clone()));
    view! { <FilterProblems page/> <FilterChips chips clear_href/> }
}

/// The parameters that could not be understood, and all fields as they were typed.
#[component]
fn FilterProblems(page: PageFilter) -> impl IntoView {
    let messages: Vec<_> = page.parsed.problems.iter().map(|problem| problem.message.clone()).collect();
    let rest = match messages.len() {
        1 => "The filter leaves it out.",
        _ => "The filter leaves them out.",
    };
    (!messages.is_empty()).then(|| {
        let messages = messages.into_iter().map(|message| view! { <li>{message}</li> }).collect_view();
        view! {
            <div class="alert bad" role="alert"><ul>{messages}</ul><p class="muted">{rest}</p></div>
            <div class="card filter-fields"><FilterFields page/></div>
        }
    })
}

fn chips(page: &PageFilter) -> Vec<Chip> {
    let filter = page.filter();
    let chip = |label: &str, value: String, without: Filter| Chip {
        label: label.to_owned(),
        value,
        remove_href: page.here(&without),
    };
    let fields = FilterField::ALL.into_iter().filter_map(|field| {
        let value = filter.get(field)?.to_owned();
        Some(chip(words::field(field), value, filter.clone().with(field, None)))
    });
    let search = filter.q.clone().map(|q| chip("Search", q, filter.clone().searching(None)));
    let kind = filter.kind.clone().map(|kind| chip("Conversion", kind, filter.clone().of_kind(None)));
    let model = filter
        .model
        .filter(|model| *model != page.default_model)
        .map(|model| chip("Model", words::model(model).to_owned(), filter.clone().by_model(None)));
    let credit = kind.into_iter().chain(model).filter(|_| page.kinds.is_some());
    fields.chain(search).chain(credit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    #[test]
    fn offered_time_zones_exist() {
        for zone in ZONES {
            let parsed = Filter::parse(&format!("tz={zone}"), Preset::All, Timestamp::EPOCH);
            assert_eq!((parsed.filter.tz_name(), parsed.problems.len()), (zone, 0));
        }
    }
}
