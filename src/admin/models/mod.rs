use leptos::{either::Either, prelude::*};

/// What each model does, in words.
mod explanations;
/// The table of all models.
mod table;

use self::{
    explanations::Explanations,
    table::{CellAmount, ModelTable},
};
use super::{
    lists::{ListPage, NO_CONVERSIONS, NoRows},
    page::{PageError, PageRequest, admin_page},
    page_filter::PageFilter,
    sections::MODELS,
    words,
};
use crate::{
    attribution::report::{
        Filter,
        credit::compare::{Comparison, GroupBy, compare},
    },
    components::{Segment, Segmented},
};

/// The models side by side.
#[component]
pub fn ModelsPage() -> impl IntoView {
    admin_page(page)
}

async fn page(request: PageRequest) -> Result<impl IntoView, PageError> {
    let by = request.parameter("by").and_then(|by| GroupBy::from_word(&by)).unwrap_or_default();
    let kept = (by != GroupBy::default()).then(|| by.as_str().to_owned());
    let page = PageFilter::new(&request, MODELS.path).keeping("by", kept);
    let (comparison, kinds) = load(&request, page.filter(), by).await?;
    let nothing_yet = kinds.is_empty();
    // a currency that no row has is neither shown nor kept in links
    let currency = request
        .parameter("show")
        .map(|show| show.to_uppercase())
        .filter(|currency| comparison.currencies().contains(currency));
    let page = page.with_credit(kinds).keeping("show", currency.clone());
    let amount = currency.map_or(CellAmount::Conversions, CellAmount::Value);

    let csv = page.csv_href("/admin/models.csv", &[("by", by.as_str())]);
    let base = request.model(page.filter());
    let content = match comparison.rows.is_empty() {
        true => Either::Left(view! { <NoRows page=page.clone() nothing_yet words=NO_CONVERSIONS/> }),
        false => {
            let (page, currencies, learnt) = (page.clone(), comparison.currencies(), comparison.learnt);
            let by_channel = page.filter().bare().href(MODELS.path, &[]);
            Either::Right(view! {
                <Choices page=page.clone() by amount=amount.clone() currencies/>
                <ModelTable page by amount base comparison/>
                <Explanations settings=request.credit() learnt by_channel/>
            })
        }
    };
    Ok(view! { <ListPage section=MODELS page csv>{content}</ListPage> })
}

async fn load(request: &PageRequest, filter: &Filter, by: GroupBy) -> Result<(Comparison, Vec<String>), PageError> {
    let (facts, question) = (request.facts().await?, request.question(filter).await?);
    let settings = request.credit();
    request.count(&facts, move |facts| (compare(facts, &question, &settings, by), facts.kinds())).await
}

/// The choice of the rows and, where there is money, of the amount in the cells.
#[component]
fn Choices(page: PageFilter, by: GroupBy, amount: CellAmount, currencies: Vec<String>) -> impl IntoView {
    let rows = GroupBy::ALL
        .into_iter()
        .map(|each| Segment {
            label: format!("{}s", words::group(each)),
            href: page.with_own("by", each.as_str()),
            current: each == by,
        })
        .collect();
    let conversions = Segment {
        label: "Conversions".to_owned(),
        href: page.without_own("show"),
        current: amount == CellAmount::Conversions,
    };
    let any_money = !currencies.is_empty();
    let values = currencies.into_iter().map(|currency| Segment {
        href: page.with_own("show", &currency),
        current: amount == CellAmount::Value(currency.clone()),
        label: currency,
    });
    let amounts: Vec<_> = [conversions].into_iter().chain(values).collect();
    view! {
        <div class="row">
            <Segmented label="Rows" segments=rows/>
            {any_money.then(|| view! { <Segmented label="Amount" segments=amounts/> })}
        </div>
    }
}
