use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use futures::stream;

use super::{
    cells::{optional, values},
    file::{CsvRefusal, CsvRequest, FileSource, file, write},
};
use crate::{
    admin::amounts::exact_credit,
    attribution::{
        channel::Channel,
        facts::Facts,
        model::Model,
        report::{
            Problem, Question,
            credit::compare::{Comparison, Group, GroupBy, compare},
        },
    },
};

/// One line for each row and model, so that a spreadsheet can pivot them. The data-driven models `markov` and `shapley` are in
/// the file by channel without a filter on touches.
const COLUMNS: [&str; 5] = ["by", "value", "model", "conversions", "values"];

/// `GET /admin/models.csv`: the conversions that the filter in the query finds, credited by all models, by channel, source or
/// campaign (`by`).
pub async fn models_csv(CsvRequest { state, query, filter, now }: CsvRequest) -> Response {
    let by = match by(&query) {
        Ok(by) => by,
        Err(problem) => return CsvRefusal::NotUnderstood(vec![problem]).into_response(),
    };
    let settings = state.config.attribution.credit.clone();
    let dated = filter.clone();
    let piece = async move {
        let count = move |facts: &Facts, question: &Question| compare(facts, question, &settings, by);
        let (comparison, ..) = FileSource::of(&state).count(filter, count).await?;
        write(Some(COLUMNS), records(by, &comparison))
    };
    file("models", &dated, now, stream::once(piece)).await
}

/// Reads the parameter `by`. Errors: the value is not `channel`, `source` or `campaign`.
fn by(query: &str) -> Result<GroupBy, Problem> {
    let last = form_urlencoded::parse(query.as_bytes()).filter(|(key, value)| key == "by" && !value.is_empty()).last();
    let Some((_, typed)) = last else { return Ok(GroupBy::default()) };
    GroupBy::from_word(&typed).ok_or_else(|| Problem {
        name: "by",
        message: format!("“{typed}” is not a kind of row. Use channel, source or campaign."),
        value: typed.into_owned(),
    })
}

fn records(by: GroupBy, comparison: &Comparison) -> impl Iterator<Item = [Cow<'_, str>; 5]> {
    let learnt = comparison.learnt.is_some();
    comparison.rows.iter().flat_map(move |(group, row)| {
        let value = match group {
            Group::Direct => Cow::from(Channel::Direct.as_str()),
            Group::Value(value) => optional(value),
        };
        let models = Model::ALL.into_iter().map(Model::as_str).zip(&row.models);
        let data_driven = [("markov", &row.markov), ("shapley", &row.shapley)].into_iter().filter(move |_| learnt);
        models.chain(data_driven).map(move |(model, earned)| {
            [
                by.as_str().into(),
                value.clone(),
                model.into(),
                exact_credit(earned.conversions).into(),
                values(earned).into(),
            ]
        })
    })
}
