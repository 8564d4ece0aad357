use uuid::Uuid;

use super::touch_texts::{ErasureKey, TouchTexts};
use crate::{
    attribution::{conversion::erased_id, signal::Utm},
    db::{Conn, Error, sql},
    id::{ConversionId, TouchId},
    privacy::email_in_text::EmailMatcher,
};

/// Touches changed at a time.
const CHUNK: usize = 400;

/// The rows of anyone that contain the user's e-mail address: touches, what other systems reported, and names that admins gave.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    touches: Vec<TouchId>,
    conversions: Vec<ConversionId>,
    aliases: Vec<String>,
    tokens: Vec<String>,
}

impl Mentions {
    /// Looks through all touches, conversions, campaign aliases and referral links.
    pub async fn find(conn: &mut Conn, email: &EmailMatcher) -> Result<Self, Error> {
        let texts = Utm::COLUMNS.into_iter().chain(["landing_path", "referrer", "tags", "click_ids"]);
        let texts: Vec<String> = texts.map(|column| format!("coalesce({column}, '')")).collect();
        Ok(Self {
            touches: ids_with(conn, email, "touches", &texts.join(" || ' ' || ")).await?,
            conversions: ids_with(conn, email, "conversions", "external_id").await?,
            aliases: keys_with(conn, email, "campaign_aliases", ["alias", "alias", "campaign"]).await?,
            tokens: keys_with(conn, email, "referral_tokens", ["token", "campaign", "landing_path"]).await?,
        })
    }

    /// Removes the address from the rows that still contain it: the erasure's transaction has changed the user's own rows.
    pub async fn clear(&self, conn: &mut Conn, email: &EmailMatcher, key: &ErasureKey) -> Result<(), Error> {
        for ids in self.touches.chunks(CHUNK) {
            for touch in TouchTexts::by_ids(conn, ids).await? {
                touch.without_email(email, key).save(conn).await?;
            }
        }
        for id in &self.conversions {
            let row: Option<(String, String)> =
                sql("select source, external_id from conversions where id = $1").bind(*id).fetch_optional(conn).await?;
            let Some((source, external_id)) = row.filter(|(_, external_id)| email.is_in(external_id)) else { continue };
            sql("update conversions set external_id = $2 where id = $1")
                .bind(*id)
                .bind(erased_id(&source, &external_id))
                .execute(conn)
                .await?;
        }
        for alias in &self.aliases {
            sql("delete from campaign_aliases where alias = $1").bind(alias.as_str()).execute(conn).await?;
        }
        for token in &self.tokens {
            clear_link(conn, email, token).await?;
        }
        Ok(())
    }
}

async fn clear_link(conn: &mut Conn, email: &EmailMatcher, token: &str) -> Result<(), Error> {
    let row: Option<(String, String)> = sql("select campaign, landing_path from referral_tokens where token = $1")
        .bind(token)
        .fetch_optional(conn)
        .await?;
    let Some((campaign, path)) = row else { return Ok(()) };
    sql("update referral_tokens set campaign = $2, landing_path = $3 where token = $1")
        .bind(token)
        .bind(if email.is_in(&campaign) { "referral".to_owned() } else { campaign })
        .bind(if email.is_in(&path) { "/".to_owned() } else { path })
        .execute(conn)
        .await
        .map(|_| ())
}

/// Returns the ids of the rows whose text, an SQL expression, contains the address. Reads page by page: the patterns also find
/// every percent-encoded text, of which there are many.
async fn ids_with<T: From<Uuid>>(
    conn: &mut Conn,
    email: &EmailMatcher,
    table: &str,
    text: &str,
) -> Result<Vec<T>, Error> {
    const PAGE: i64 = 1000;
    let [plain, encoded] = email.patterns();
    let statement = format!(
        r"select id, texts from (select id, {text} as texts from {table} where id > $3) t
          where lower(texts) like $1 escape '\' or lower(texts) like $2 escape '\' order by id limit $4"
    );
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let rows: Vec<(Uuid, String)> = sql(statement.clone())
            .bind(plain.as_str())
            .bind(encoded.as_str())
            .bind(after)
            .bind(PAGE)
            .fetch_all(conn)
            .await?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        after = *last;
        found.extend(rows.iter().filter(|(_, texts)| email.is_in(texts)).map(|(id, _)| T::from(*id)));
    }
}

/// Returns the keys of the rows in which one of two texts contains the address. `columns` are the key and the texts.
async fn keys_with(
    conn: &mut Conn,
    email: &EmailMatcher,
    table: &str,
    columns: [&str; 3],
) -> Result<Vec<String>, Error> {
    let [key, one, other] = columns;
    let [plain, encoded] = email.patterns();
    let rows: Vec<(String, String, String)> = sql(format!(
        r"select {key}, {one}, {other} from {table} where lower({one} || ' ' || {other}) like $1 escape '\'
          or lower({one} || ' ' || {other}) like $2 escape '\'"
    ))
    .bind(plain)
    .bind(encoded)
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().filter(|(_, one, other)| email.is_in(one) || email.is_in(other));
    Ok(found.map(|(key, ..)| key).collect())
}
