use super::CreditSettings;
use crate::{
    attribution::report::{Filter, Statement},
    db::{Conn, Error},
};

/// Between the channels of a path, and between currencies; in no channel's name.
const SEPARATOR: char = '>';

/// A path, and how many people went it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PersonsPath {
    /// Oldest first.
    pub channels: Vec<String>,
    /// Whether these people have a conversion of the filter's kind, at any time.
    pub converted: bool,
    /// In which currencies such a conversion of theirs has a value, by name.
    pub currencies: Vec<String>,
    pub people: u64,
}

/// The paths of people with a touch in the period, by their channels. It depends on what is asked who of them did not convert:
/// who has no conversion, or none with a value in a currency.
///
/// A person is a user with all their browsers, or a visitor who is nobody. Their path goes from their last touch in the period
/// as far back as a conversion's would. Only the period and the kind of the filter are asked.
pub(crate) async fn paths_of_people(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
) -> Result<Vec<PersonsPath>, Error> {
    let range = filter.period.range();
    let window = settings.window_of(filter.kind.as_deref().unwrap_or_default());
    // put together by the database: there are far fewer different paths than people
    let paths: Vec<(String, bool, String, i64)> = Statement::new(
        "select path, converted, currencies, count(*) from (
           select string_agg(channel, '>' order by occurred_at, id) as path,
                  exists (select 1 from conversions c where c.user_id = person and c.refund_of is null",
    )
    .of_kind(filter)
    .text(
        ") as converted,
                  coalesce((select string_agg(currency, '>' order by currency) from (
                    select distinct c.currency from conversions c
                    where c.user_id = person and c.refund_of is null and c.value > 0 and c.currency is not null",
    )
    .of_kind(filter)
    .text(
        ") carried), '') as currencies
           from (
             select coalesce(v.user_id, v.id) as person, t.id, t.occurred_at, t.channel,
                    max(case when t.occurred_at >= ",
    )
    .value(range.start)
    .text(
        " then t.occurred_at end) over (partition by coalesce(v.user_id, v.id)) as latest
             from touches t join visitors v on v.id = t.visitor_id where t.occurred_at >= ",
    )
    .value(range.start - window)
    .text(" and t.occurred_at < ")
    .value(range.end)
    .text(if settings.internal_touches { "" } else { " and not t.internal" })
    .text(") steps where occurred_at >= latest - ")
    .value(window)
    .text(" group by person) paths group by path, converted, currencies")
    .query()
    .fetch_all(conn)
    .await?;
    let split = |list: String| list.split(SEPARATOR).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let path = |(path, converted, currencies, people): (String, bool, String, i64)| PersonsPath {
        channels: split(path),
        converted,
        currencies: split(currencies),
        people: people.unsigned_abs(),
    };
    Ok(paths.into_iter().map(path).collect())
}
