use std::collections::HashSet;

use super::{
    Question,
    credit::{CreditSettings, Path, UserTouches, Windows},
    matcher::Matcher,
    page::{Found, Place, Places, at_places, page_of},
};
use crate::{
    attribution::{
        facts::{
            Conversion, Facts, Person,
            scan::{Tally, scan},
        },
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
    scan(facts, matcher.range, || ConversionTally::new(&matcher, settings, places())).places.finish()
}

/// Reads the page of conversions that [`find_conversions`] found, sorted by time and id, newest first.
pub async fn read_conversions(
    conn: &mut Conn,
    facts: &Facts,
    found: &Found,
    position: Position<Cursor>,
    limit: u32,
) -> Result<Page<ListedConversion, Cursor>, Error> {
    if found.places.is_empty() {
        return Ok(Page::new(Vec::new(), position, limit, ListedConversion::cursor));
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
    Ok(page_of(rows, position, limit, ListedConversion::cursor))
}

/// Counts conversions, and notes where those of a page are.
struct ConversionTally<'a> {
    matcher: &'a Matcher<'a>,
    windows: Windows<'a>,
    touches: UserTouches<'a>,
    path: Path,
    places: Places,
}

impl<'a> ConversionTally<'a> {
    fn new(matcher: &'a Matcher<'a>, settings: &'a CreditSettings, places: Places) -> Self {
        Self {
            matcher,
            windows: Windows::new(matcher, settings),
            touches: UserTouches::new(matcher.dictionary, settings.internal_touches),
            path: Path::default(),
            places,
        }
    }

    /// Returns whether the filter finds a conversion of the person whose touches are loaded.
    fn finds(&mut self, person: &Person<'_>, conversion: &Conversion) -> bool {
        let window = self.windows.of(conversion.kind);
        self.touches.path(conversion.credited_at, window, &mut self.path);
        let matching = self.matcher.of(person);
        match self.path.touches.is_empty() {
            true => self.matcher.finds_direct(person),
            false => self.path.touches.iter().any(|touch| matching.finds(touch.tuple)),
        }
    }
}

impl Tally for ConversionTally<'_> {
    fn add(&mut self, person: &Person<'_>) {
        let bare = self.matcher.question.filter.is_bare();
        let mut loaded = false;
        for conversion in person.conversions().iter().filter(|row| !row.is_refund) {
            if !self.windows.counts(self.matcher, conversion) {
                continue;
            }
            if !bare && !loaded {
                self.touches.load(person);
                loaded = true;
            }
            if bare || self.finds(person, conversion) {
                let (at, kind) = (conversion.occurred_at, Some(conversion.kind));
                self.places.add(Place { at, user: person.id().into(), kind });
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.places.merge(other.places);
    }
}
