//! Forgetting a user.
//!
//! One transaction. The row in `users` stays as nobody's, and with it what totals are counted from: visitors, touches,
//! conversions. What could say who it was goes:
//!
//! | what | becomes |
//! |---|---|
//! | e-mail address | `erased-…`, which is no address, so that the old one can be registered again |
//! | password, role, sessions, failed sign-ins | none, `member`, ended, removed |
//! | a touch's click ids and tags | `{}` |
//! | its fingerprint, a digest of them | one of its tuple, under a key that is thrown away: equal where that was, for the models |
//! | its referrer | the host and `/` |
//! | its term, content, campaign id, landing path | as they are where a touch of another visitor has the same; else none (`/`) |
//! | any text of any touch that has the e-mail address in it | none, or as above |
//! | external ids of conversions | a digest, so that a report that is repeated still counts once |
//! | another user's external id that has the address in it | a digest, too |
//! | a campaign's other name that has it, or stands for one that has | removed |
//! | another link's campaign and landing path that have it | `referral` and `/` |
//! | the referral link | nobody's, and disabled; whom it brought stays counted |
//!
//! So a term that one link of a campaign gave to many stays, and one that was made for this person does not. Totals stay the
//! same under every filter but one that asks for what was erased. Consents stay: who agreed to what and when, of a visitor who
//! is nobody by then.
//!
//! The database's files are another matter: [`traces`].

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{email_in_text::Address, file_wipe};
use crate::{
    attribution::{
        conversion::erased_id,
        signal::referrer::Referrer,
        touch::fingerprint::{ERASED, digest},
    },
    auth::throttle,
    db::{Conn, Db, Error, Value, sql},
    id::{ConversionId, TouchId, UserId},
    timestamp::DAY,
    timestamp::Timestamp,
};

/// Why nobody was forgotten.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EraseError {
    #[error("There is no such user.")]
    Unknown,
    /// Nobody could open the admin pages afterwards.
    #[error("This is the only admin. Make somebody else an admin first.")]
    LastAdmin,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Columns of a touch that keep a value only where others have it too.
const PERSONAL: [&str; 4] = ["term", "content", "utm_id", "landing_path"];
/// Columns that are looked through for the e-mail address, besides. Totals go by them, so that they stay otherwise.
const NAMES: [&str; 6] = ["source", "medium", "campaign", "source_platform", "creative_format", "marketing_tactic"];

/// Values asked for in one statement at most.
const CHUNK: usize = 400;

/// Forgets a user. Afterwards [`file_wipe::clear`] is due. Doing it again does no harm.
pub async fn erase(db: &Db, user: UserId) -> Result<(), EraseError> {
    let Known { email_lower, address, shared, naming, elsewhere } = look(&mut db.read().await?, user).await?;
    let (now, key) = (db.now(), Key::new());
    db.transaction(move |conn| {
        Box::pin(async move {
            if is_last_admin(conn, user).await? {
                return Err(EraseError::LastAdmin);
            }
            // first the user's row: who reports a conversion locks it too
            erase_user(conn, user, now).await?;
            sql("delete from tower_sessions where user_id = $1").bind(user).execute(conn).await?;
            throttle::forget_failures(conn, &email_lower).await?;
            sql("update referral_tokens set owner_id = null, disabled_at = coalesce(disabled_at, $2) where owner_id = $1")
                .bind(user)
                .bind(now)
                .execute(conn)
                .await?;
            erase_external_ids(conn, user).await?;
            for touch in touches_of(conn, user).await? {
                touch.erased(&shared, address.as_ref(), &key).save(conn).await?;
            }
            // others' touches that name this user
            if let Some(address) = &address {
                for ids in naming.chunks(CHUNK) {
                    for touch in touches_by_id(conn, ids).await? {
                        touch.without(address, &key).save(conn).await?;
                    }
                }
                elsewhere.clear(conn, address).await?;
            }
            file_wipe::note(conn).await?;
            Ok(())
        })
    })
    .await?;
    tracing::info!(%user, "a user was erased");
    Ok(())
}

/// What is known before the transaction.
struct Known {
    email_lower: String,
    /// Nothing where the user is erased already.
    address: Option<Address>,
    shared: Shared,
    naming: Vec<TouchId>,
    elsewhere: Elsewhere,
}

/// The long looks, through all touches. What comes in afterwards is seen as nobody else's, and does not stay.
async fn look(conn: &mut Conn, user: UserId) -> Result<Known, EraseError> {
    let found: Option<(String, bool)> = sql("select email_lower, erased_at is not null from users where id = $1")
        .bind(user)
        .fetch_optional(conn)
        .await?;
    let (email_lower, erased) = found.ok_or(EraseError::Unknown)?;
    let address = (!erased).then(|| Address::new(&email_lower));
    let shared = shared_values(conn, user).await?;
    let (naming, elsewhere) = match &address {
        Some(address) => (touches_with(conn, address).await?, Elsewhere::find(conn, address).await?),
        None => (Vec::new(), Elsewhere::default()),
    };
    Ok(Known { email_lower, address, shared, naming, elsewhere })
}

/// Forgets what came in for an erased user while the erasure was under way: a landing or a sign-in in flight. For housekeeping.
pub async fn finish(db: &Db) -> Result<(), EraseError> {
    let late: Vec<(UserId,)> = sql("select u.id from users u where u.erased_at > $1 and (
            exists (select 1 from tower_sessions s where s.user_id = u.id) or
            exists (select 1 from visitors v join touches t on t.visitor_id = v.id
                where v.user_id = u.id and (t.fingerprint < 0 or t.fingerprint >= $2)))")
    .bind(db.now() - DAY)
    .bind(ERASED.end)
    .fetch_all(&mut db.read().await?)
    .await?;
    for (user,) in late {
        erase(db, user).await?;
    }
    Ok(())
}

/// Whether this is the only admin who can sign in. Two admins who go at once go one after the other.
async fn is_last_admin(conn: &mut Conn, user: UserId) -> Result<bool, Error> {
    let lock =
        format!("select id from users where role = 'admin' and disabled_at is null order by id{}", conn.for_update());
    let admins: Vec<(UserId,)> = sql(lock).fetch_all(conn).await?;
    Ok(admins == [(user,)])
}

async fn erase_user(conn: &mut Conn, user: UserId, now: Timestamp) -> Result<(), Error> {
    // Neither an address, for want of an @, nor a password hash.
    let nobody = format!("erased-{}", Uuid::new_v4().simple());
    sql("update users set email = $2, email_lower = $2, password_hash = '!', role = 'member',
            session_epoch = session_epoch + 1, disabled_at = coalesce(disabled_at, $3), erased_at = $3
        where id = $1 and erased_at is null")
    .bind(user)
    .bind(nobody)
    .bind(now)
    .execute(conn)
    .await
    .map(|_| ())
}

async fn erase_external_ids(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    // a sign-up's holds the user's id and nothing else
    let ids: Vec<(ConversionId, String, String)> = sql("select id, source, external_id from conversions
        where user_id = $1 and kind <> 'signup' and external_id not like 'erased:%'")
    .bind(user)
    .fetch_all(conn)
    .await?;
    for (id, source, external_id) in ids {
        sql("update conversions set external_id = $2 where id = $1")
            .bind(id)
            .bind(erased_id(&source, &external_id))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// What may stay, by column.
type Shared = BTreeMap<&'static str, HashSet<String>>;

/// Those values of a user's touches that touches of other visitors have too.
async fn shared_values(conn: &mut Conn, user: UserId) -> Result<Shared, Error> {
    let mut shared = Shared::new();
    for column in PERSONAL {
        let values: Vec<(String,)> = sql(format!(
            "select distinct t.{column} from touches t join visitors v on v.id = t.visitor_id
             where v.user_id = $1 and t.{column} is not null"
        ))
        .bind(user)
        .fetch_all(conn)
        .await?;
        let found = shared.entry(column).or_default();
        for values in values.chunks(CHUNK) {
            let others: Vec<(String,)> = sql(format!(
                "select distinct t.{column} from touches t where t.{column} in ({}) and t.visitor_id not in (
                    select id from visitors where user_id = $1)",
                places(2, values.len())
            ))
            .bind(user)
            .bind_all(values.iter().map(|(value,)| Value::from(value.as_str())))
            .fetch_all(conn)
            .await?;
            found.extend(others.into_iter().map(|(value,)| value));
        }
    }
    Ok(shared)
}

/// Touches of anyone that have the address in one of their texts.
async fn touches_with(conn: &mut Conn, address: &Address) -> Result<Vec<TouchId>, Error> {
    let texts = NAMES.into_iter().chain(PERSONAL).chain(["referrer", "tags", "click_ids"]);
    let all: Vec<String> = texts.map(|column| format!("coalesce({column}, '')")).collect();
    let all = all.join(" || ' ' || ");
    rows_with(conn, address, "touches", &all).await
}

/// Rows whose text, an expression, has the address. Read in pages: many texts have something percent-encoded.
async fn rows_with<T: From<Uuid>>(
    conn: &mut Conn,
    address: &Address,
    table: &str,
    text: &str,
) -> Result<Vec<T>, Error> {
    const PAGE: i64 = 1000;
    let [plain, encoded] = address.patterns();
    let question = format!(
        r"select id, texts from (select id, {text} as texts from {table} where id > $3) t
          where lower(texts) like $1 escape '\' or lower(texts) like $2 escape '\' order by id limit $4"
    );
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let rows: Vec<(Uuid, String)> = sql(question.clone())
            .bind(plain.as_str())
            .bind(encoded.as_str())
            .bind(after)
            .bind(PAGE)
            .fetch_all(conn)
            .await?;
        let Some((last, _)) = rows.last() else { return Ok(found) };
        after = *last;
        found.extend(rows.iter().filter(|(_, texts)| address.is_in(texts)).map(|(id, _)| T::from(*id)));
    }
}

/// Where else the address stands: in what others reported, and in names that admins gave.
#[derive(Debug, Default)]
struct Elsewhere {
    conversions: Vec<ConversionId>,
    aliases: Vec<String>,
    tokens: Vec<String>,
}

impl Elsewhere {
    async fn find(conn: &mut Conn, address: &Address) -> Result<Self, Error> {
        let conversions = rows_with(conn, address, "conversions", "external_id").await?;
        let [mut aliases, mut tokens] = [Vec::new(), Vec::new()];
        for (table, key, texts, found) in [
            ("campaign_aliases", "alias", ["alias", "campaign"], &mut aliases),
            ("referral_tokens", "token", ["campaign", "landing_path"], &mut tokens),
        ] {
            let [one, other] = texts;
            let [plain, encoded] = address.patterns();
            let rows: Vec<(String, String, String)> = sql(format!(
                r"select {key}, {one}, {other} from {table} where lower({one} || ' ' || {other}) like $1 escape '\'
                  or lower({one} || ' ' || {other}) like $2 escape '\'"
            ))
            .bind(plain)
            .bind(encoded)
            .fetch_all(conn)
            .await?;
            let named = rows.into_iter().filter(|(_, one, other)| address.is_in(one) || address.is_in(other));
            found.extend(named.map(|(key, ..)| key));
        }
        Ok(Self { conversions, aliases, tokens })
    }

    async fn clear(&self, conn: &mut Conn, address: &Address) -> Result<(), Error> {
        for id in &self.conversions {
            let row: Option<(String, String)> =
                sql("select source, external_id from conversions where id = $1").bind(*id).fetch_optional(conn).await?;
            // the user's own are a digest by now
            let Some((source, external_id)) = row.filter(|(_, external_id)| address.is_in(external_id)) else {
                continue;
            };
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
            let row: Option<(String, String)> =
                sql("select campaign, landing_path from referral_tokens where token = $1")
                    .bind(token.as_str())
                    .fetch_optional(conn)
                    .await?;
            let Some((campaign, path)) = row else { continue };
            sql("update referral_tokens set campaign = $2, landing_path = $3 where token = $1")
                .bind(token.as_str())
                .bind(if address.is_in(&campaign) { "referral".to_owned() } else { campaign })
                .bind(if address.is_in(&path) { "/".to_owned() } else { path })
                .execute(conn)
                .await?;
        }
        Ok(())
    }
}

/// The texts of a touch, and what is made of them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
struct Texts {
    id: TouchId,
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    utm_id: Option<String>,
    source_platform: Option<String>,
    creative_format: Option<String>,
    marketing_tactic: Option<String>,
    landing_path: String,
    referrer: Option<String>,
    click_ids: String,
    tags: String,
    fingerprint: i64,
}

const TEXTS: &str = "select t.id, t.source, t.medium, t.campaign, t.term, t.content, t.utm_id, t.source_platform,
    t.creative_format, t.marketing_tactic, t.landing_path, t.referrer, t.click_ids, t.tags, t.fingerprint from touches t";

async fn touches_of(conn: &mut Conn, user: UserId) -> Result<Vec<Texts>, Error> {
    sql(format!("{TEXTS} join visitors v on v.id = t.visitor_id where v.user_id = $1")).bind(user).fetch_all(conn).await
}

async fn touches_by_id(conn: &mut Conn, ids: &[TouchId]) -> Result<Vec<Texts>, Error> {
    sql(format!("{TEXTS} where t.id in ({})", places(1, ids.len())))
        .bind_all(ids.iter().map(|id| Value::from(*id)))
        .fetch_all(conn)
        .await
}

impl Texts {
    /// A touch of the user: nothing that could be of this person alone.
    fn erased(mut self, shared: &Shared, address: Option<&Address>, key: &Key) -> Self {
        let may_stay = |column: &str, value: &String| shared.get(column).is_some_and(|values| values.contains(value));
        self.fingerprint = key.fingerprint(self.tuple());
        self.term = self.term.filter(|value| may_stay("term", value));
        self.content = self.content.filter(|value| may_stay("content", value));
        self.utm_id = self.utm_id.filter(|value| may_stay("utm_id", value));
        if !may_stay("landing_path", &self.landing_path) {
            self.landing_path = "/".into();
        }
        self.referrer = self.referrer.as_deref().map(host);
        self.click_ids = "{}".into();
        self.tags = "{}".into();
        match address {
            Some(address) => self.cleared(address),
            None => self,
        }
    }

    /// A touch of anyone, without the address, where it has it.
    fn without(self, address: &Address, key: &Key) -> Self {
        let before = self.clone();
        let mut cleared = self.cleared(address);
        if cleared != before {
            // a digest of what is gone: whoever knows the rest could try addresses against it
            cleared.fingerprint = key.fingerprint(before.tuple());
        }
        cleared
    }

    /// What models tell its tuple by, before it is erased: click ids and tags are no part of it.
    fn tuple(&self) -> i64 {
        if ERASED.contains(&self.fingerprint) {
            return self.fingerprint;
        }
        let fields = [
            &self.source,
            &self.medium,
            &self.campaign,
            &self.term,
            &self.content,
            &self.utm_id,
            &self.source_platform,
            &self.creative_format,
            &self.marketing_tactic,
        ];
        digest(fields).cast_signed()
    }

    fn cleared(mut self, address: &Address) -> Self {
        let texts = [
            &mut self.source,
            &mut self.medium,
            &mut self.campaign,
            &mut self.term,
            &mut self.content,
            &mut self.utm_id,
            &mut self.source_platform,
            &mut self.creative_format,
            &mut self.marketing_tactic,
        ];
        for text in texts {
            text.take_if(|text| address.is_in(text));
        }
        if address.is_in(&self.landing_path) {
            self.landing_path = "/".into();
        }
        if self.referrer.as_deref().is_some_and(|referrer| address.is_in(referrer)) {
            self.referrer = self.referrer.as_deref().map(host);
        }
        for map in [&mut self.click_ids, &mut self.tags] {
            if address.is_in(map) {
                *map = "{}".into();
            }
        }
        self
    }

    async fn save(self, conn: &mut Conn) -> Result<(), Error> {
        sql("update touches set source = $2, medium = $3, campaign = $4, term = $5, content = $6, utm_id = $7,
                source_platform = $8, creative_format = $9, marketing_tactic = $10, landing_path = $11, referrer = $12,
                click_ids = $13, tags = $14, fingerprint = $15
            where id = $1")
        .bind(self.id)
        .bind(self.source)
        .bind(self.medium)
        .bind(self.campaign)
        .bind(self.term)
        .bind(self.content)
        .bind(self.utm_id)
        .bind(self.source_platform)
        .bind(self.creative_format)
        .bind(self.marketing_tactic)
        .bind(self.landing_path)
        .bind(self.referrer)
        .bind(self.click_ids)
        .bind(self.tags)
        .bind(self.fingerprint)
        .execute(conn)
        .await
        .map(|_| ())
    }
}

/// The key of one erasure. Nobody has it afterwards, so that nobody can try what a digest was made of.
struct Key([u8; 16]);

impl Key {
    fn new() -> Self {
        Self(Uuid::new_v4().into_bytes())
    }

    /// A fingerprint for a tuple, and for equal ones the same: models take repeats of one tuple for one step.
    fn fingerprint(&self, old: i64) -> i64 {
        let digest = Sha256::new().chain_update(self.0).chain_update(old.to_le_bytes()).finalize();
        let [a, b, c, d, e, ..] = <[u8; 32]>::from(digest);
        i64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }
}

/// A referrer's host, as a referrer without a path is kept.
fn host(referrer: &str) -> String {
    format!("{}/", Referrer::split(referrer).0)
}

/// So many placeholders, from this number on.
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
