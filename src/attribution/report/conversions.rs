use std::collections::HashSet;

use super::{
    Question,
    credit::{CreditSettings, Paths},
    matcher::Matcher,
    page::{Found, Place, Places, at_places},
};
use crate::{
    attribution::{
        facts::{Facts, Person, scan::Tally},
        model::Minor,
    },
    db::{
        Conn, Error,
        page::{Cursor, Page, Position},
    },
    id::{ConversionId, UserId},
    timestamp::Timestamp,
};

/// A conversion, with the sum of its refunds. Refunds are not rows of their own here.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListedConversion {
    pub id: ConversionId,
    pub user_id: UserId,
    pub user_email: String,
    pub kind: String,
    pub occurred_at: Timestamp,
    pub value: Minor,
    pub currency: Option<String>,
    /// The sum of all refunds so far; not negative.
    pub refunded: Minor,
    /// The system that reported the conversion.
    pub source: String,
    /// The name of the conversion in that system.
    pub external_id: String,
}

impl ListedConversion {
    /// Returns the place in the list.
    fn cursor(&self) -> Cursor {
        Cursor { at: self.occurred_at, id: self.id.as_uuid() }
    }
}

/// Finds one page of the conversions of a period, newest first.
///
/// A conversion matches the filter if one of the touches that may get its credit matches. A conversion without such touches
/// matches if the filter finds Direct.
pub fn find_conversions(
    facts: &Facts,
    question: &Question,
    settings: &CreditSettings,
    position: Position<Cursor>,
    limit: u32,
) -> Found {
    let matcher = Matcher::new(facts, question);
    let places = || Places::new(position, limit, matcher.range);
    let tally = || ConversionTally { paths: Paths::new(&matcher, settings), places: places() };
    matcher.scan(matcher.range, tally).places.finish()
}

/// Reads the page of conversions that [`find_conversions`] found, sorted by time and id, newest first.
pub async fn read_conversions(
    conn: &mut Conn,
    facts: &Facts,
    found: &Found,
) -> Result<Page<ListedConversion, Cursor>, Error> {
    if found.places.is_empty() {
        return Ok(found.page(Vec::new(), ListedConversion::cursor));
    }
    let query = at_places(
        &found.places,
        "select c.id, c.user_id, u.email as user_email, c.kind, c.occurred_at, c.value, c.currency, c.source, c.external_id,
                cast((select coalesce(-sum(r.value), 0) from conversions r where r.refund_of = c.id) as bigint) as refunded
         from place p cross join conversions c cross join users u
         where c.user_id = p.user_id and c.occurred_at = p.occurred_at and u.id = c.user_id and c.refund_of is null",
    );
    let mut rows: Vec<ListedConversion> = query.fetch_all(conn).await?;
    let places: HashSet<&Place> = found.places.iter().collect();
    rows.retain(|row| {
        let kind = facts.dictionary().texts.find(&row.kind);
        places.contains(&Place { at: row.occurred_at, user: row.user_id, kind })
    });
    Ok(found.page(rows, ListedConversion::cursor))
}

/// Counts conversions, and notes where those of a page are.
struct ConversionTally<'a> {
    paths: Paths<'a>,
    places: Places,
}

impl Tally for ConversionTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let Self { paths, places } = self;
        let matcher = paths.matcher;
        let (bare, matching) = (matcher.question.filter.is_bare(), matcher.of(person));
        let mut loaded = false;
        for conversion in person.conversions() {
            if conversion.is_refund || !paths.counts(conversion) {
                continue;
            }
            if !bare && !loaded {
                paths.load(person);
                loaded = true;
            }
            let found = bare
                || match &*paths.path(conversion).touches {
                    [] => matcher.finds_direct(person),
                    touches => touches.iter().any(|touch| matching.finds(touch.tuple)),
                };
            if found {
                let (at, kind) = (conversion.occurred_at, Some(conversion.kind));
                places.add(Place { at, user: person.id().into(), kind });
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.places.merge(other.places);
    }
}
