use super::CreditSettings;
use crate::{
    attribution::report::{Filter, Statement},
    db::{Conn, Error},
};

/// Between the channels of a path; in no channel's name.
const SEPARATOR: char = '>';

/// The paths of people who did not convert, by their channels, oldest first, and how many people went each.
///
/// A person is a user with all their browsers, or a visitor who is nobody. Those count who have a touch in the period and no
/// conversion of the filter's kind at any time. Their path goes from their last touch in the period as far back as a conversion's
/// would. Only the period and the kind of the filter are asked.
pub(in crate::attribution::report) async fn lost_paths(
    conn: &mut Conn,
    filter: &Filter,
    settings: &CreditSettings,
) -> Result<Vec<(Vec<String>, u64)>, Error> {
    let range = filter.period.range();
    let window = settings.window_of(filter.kind.as_deref().unwrap_or_default());
    // put together by the database: there are far fewer different paths than people
    let paths: Vec<(String, i64)> = Statement::new(
        "select path, count(*) from (
           select string_agg(channel, '>' order by occurred_at, id) as path from (
             select coalesce(v.user_id, v.id) as person, t.id, t.occurred_at, t.channel,
                    max(case when t.occurred_at >= ",
    )
    .value(range.start)
    .text(
        " then t.occurred_at end) over (partition by coalesce(v.user_id, v.id)) as latest
             from touches t join visitors v on v.id = t.visitor_id where t.occurred_at >= ",
    )
    .value(range.start.saturating_sub(window))
    .text(" and t.occurred_at < ")
    .value(range.end)
    .text(if settings.internal_touches { "" } else { " and not t.internal" })
    .text(" and not exists (select 1 from conversions c where c.user_id = v.user_id and c.refund_of is null")
    .of_kind(filter)
    .text(")) steps where occurred_at >= latest - ")
    .value(window)
    .text(" group by person) paths group by path")
    .query()
    .fetch_all(conn)
    .await?;
    let split = |path: String| path.split(SEPARATOR).map(str::to_owned).collect();
    Ok(paths.into_iter().map(|(path, people)| (split(path), people.unsigned_abs())).collect())
}
