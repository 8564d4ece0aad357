use super::settings::CreditSettings;
use crate::{
    attribution::report::{
        filter::{Filter, conditions::of_kind},
        statement::{Statement, sql_text},
    },
    db::{Conn, Error},
};

/// Stands between the channels of a path and between currencies. No channel's name has it.
const SEPARATOR: char = '>';

/// A path, and the number of people who took it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PeoplePath {
    /// Oldest first.
    pub channels: Vec<String>,
    /// Whether these people have a conversion of the filter's kind, at any time.
    pub converted: bool,
    /// The currencies in which these people have such a conversion with a value, by name.
    pub currencies: Vec<String>,
    pub people: u64,
}

/// Returns the paths of all people with a touch in the period, converted or not, by their channels.
///
/// "Did not convert" depends on the question: for counts, no conversion; for money in a currency, no conversion with a value in
/// that currency. So each path says both.
///
/// A person is a user with all browsers of that user, or a visitor who belongs to no user. The path ends with the person's last
/// touch in the period and goes back from there as far as a conversion's path would. Only the filter's period and kind matter.
pub(crate) async fn paths_of_people(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
) -> Result<Vec<PeoplePath>, Error> {
    let range = filter.period.range();
    let window = settings.window_of(filter.kind.as_deref().unwrap_or_default());
    let mut statement = Statement::default();
    let of_kind = of_kind(&mut statement, filter);
    let (start, end) = (statement.bind(range.start), statement.bind(range.end));
    let earliest = statement.bind(range.start - window);
    let window = statement.bind(window);
    let internal = if settings.internal_touches { "" } else { "and not t.internal" };
    // The database puts the paths together and counts them: there are far fewer different paths than people.
    let text = sql_text!(
        "select path, converted, currencies, count(*)
         from (
           select string_agg(channel, '>' order by occurred_at, id) as path,
                  exists (
                    select 1 from conversions c
                    where c.user_id = person and c.refund_of is null {of_kind}) as converted,
                  coalesce((
                    select string_agg(currency, '>' order by currency)
                    from (
                      select distinct c.currency from conversions c
                      where c.user_id = person and c.refund_of is null and c.value > 0 and c.currency is not null {of_kind}
                    ) paid), '') as currencies
           from (
             select coalesce(v.user_id, v.id) as person, t.id, t.occurred_at, t.channel,
                    max(case when t.occurred_at >= {start} then t.occurred_at end)
                      over (partition by coalesce(v.user_id, v.id)) as latest
             from touches t join visitors v on v.id = t.visitor_id
             where t.occurred_at >= {earliest} and t.occurred_at < {end} {internal}
           ) steps
           where occurred_at >= latest - {window}
           group by person
         ) paths
         group by path, converted, currencies";
        of_kind, start, earliest, end, internal, window
    );
    let paths: Vec<(String, bool, String, i64)> = statement.query(text).fetch_all(conn).await?;
    let split = |list: String| list.split(SEPARATOR).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let path = |(path, converted, currencies, people): (String, bool, String, i64)| PeoplePath {
        channels: split(path),
        converted,
        currencies: split(currencies),
        people: people.unsigned_abs(),
    };
    Ok(paths.into_iter().map(path).collect())
}
