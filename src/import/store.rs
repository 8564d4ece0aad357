//! What always holds: storing the same leads again changes nothing, also when two processes store them at the same time. Rows
//! are added in the same order everywhere. So two transactions that add the same rows wait for each other, but never in a
//! circle.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::lead::{ImportedLead, visitor_of};
use crate::{
    attribution::conversion::sign_up_conversion,
    auth::user::NO_PASSWORD,
    db::{Conn, Dialect, Error, FromEitherRow, Insert, Table, Value, placeholders, sql},
    id::{TouchId, UserId, VisitorId},
    timestamp::Timestamp,
};

static USERS: Table = Table { name: "users", columns: &["id", "email", "email_lower", "password_hash", "created_at"] };
static VISITORS: Table =
    Table { name: "visitors", columns: &["id", "user_id", "first_seen_at", "linked_at", "pending_user_id"] };

/// A lead, and what only a pass through all leads can tell.
#[derive(Clone, Debug)]
pub(super) struct DatedLead {
    pub lead: ImportedLead,
    /// When the first lead of this user came.
    pub first_at: Timestamp,
}

/// What became of the leads of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredPage {
    pub imported: u64,
    pub already_there: u64,
    /// Accounts that were created.
    pub accounts: u64,
    /// The leads that were not stored, by their index, and why.
    pub refused: Vec<(usize, String)>,
    /// The leads that were there when the transaction began, by their index.
    pub known: HashSet<usize>,
}

#[derive(Clone, Copy, Debug)]
struct LeadAccount {
    id: UserId,
    created_at: Timestamp,
    sample: bool,
    /// The user has a password and has not confirmed the address.
    unconfirmed: bool,
}

/// Accounts by their e-mail address in lower case.
type AccountsByEmail = HashMap<String, LeadAccount>;

/// Whose leads are stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StoreRules {
    /// Only those of users with an account.
    pub existing_only: bool,
    /// See [`Options`](super::Options).
    pub wait_for_confirmation: bool,
}

/// Stores the leads of a page, within a transaction.
pub(super) async fn store_page(conn: &mut Conn, leads: &[DatedLead], rules: StoreRules) -> Result<StoredPage, Error> {
    if conn.dialect() == Dialect::Postgres {
        // PostgreSQL would keep the plans that it made while the tables were empty. Such plans read whole tables.
        sql("set local plan_cache_mode = force_custom_plan").execute(conn).await?;
    }
    let mut stored = StoredPage::default();
    let keys = leads.iter().map(|dated| dated.lead.arrival.email_key.as_str()).collect::<HashSet<_>>();
    let mut accounts = accounts_of(conn, keys.iter().copied()).await?;
    let ids: Vec<_> = leads.iter().map(|dated| id_of(dated, &accounts)).collect();
    let present: HashSet<TouchId> =
        select_in(conn, "select id from touches where id in", ids.iter().flatten().map(|id| (*id).into()))
            .await?
            .into_iter()
            .map(|(id,): (TouchId,)| id)
            .collect();
    let mut new = Vec::new();
    for (index, dated) in leads.iter().enumerate() {
        let account = accounts.get(&dated.lead.arrival.email_key);
        let email = &dated.lead.arrival.email;
        if ids[index].is_some_and(|id| present.contains(&id)) {
            stored.known.insert(index);
        } else if account.is_some_and(|account| account.sample) {
            // nothing real may depend on an account that goes with the sample data
            let why = format!("the account {email} is sample data, which `waymark demo --remove` removes");
            stored.refused.push((index, why));
        } else if account.is_none() && rules.existing_only {
            stored.refused.push((index, format!("no account has the address {email}")));
        } else {
            new.push(dated);
        }
    }
    stored.accounts = create_accounts(conn, &new, &mut accounts).await?;
    stored.imported = add_touches(conn, &new, &accounts, rules).await?;
    // A new lead that was not added stands twice in the page, or another process added it meanwhile.
    stored.already_there = (stored.known.len() + new.len()) as u64 - stored.imported;
    Ok(stored)
}

fn id_of(dated: &DatedLead, accounts: &AccountsByEmail) -> Option<TouchId> {
    dated.lead.touch_id(accounts.get(&dated.lead.arrival.email_key).map(|account| account.id))
}

/// Returns the accounts that have one of the addresses.
async fn accounts_of(conn: &mut Conn, keys: impl Iterator<Item = &str>) -> Result<AccountsByEmail, Error> {
    let rows: Vec<(String, UserId, Timestamp, bool, bool)> = select_in(
        conn,
        "select email_lower, id, created_at, sample, email_verified_at is null and password_hash <> '!' as unconfirmed
        from users where email_lower in",
        keys.map(Value::from),
    )
    .await?;
    let account =
        |(key, id, created_at, sample, unconfirmed)| (key, LeadAccount { id, created_at, sample, unconfirmed });
    Ok(rows.into_iter().map(account).collect())
}

/// Creates the accounts that leads lack, and adds them to `accounts`. Returns how many it created.
async fn create_accounts(conn: &mut Conn, leads: &[&DatedLead], accounts: &mut AccountsByEmail) -> Result<u64, Error> {
    // sorted by address: the same order in every process
    let mut missing: BTreeMap<&str, (&str, Timestamp)> = BTreeMap::new();
    for dated in leads {
        let arrival = &dated.lead.arrival;
        if accounts.contains_key(&arrival.email_key) {
            continue;
        }
        let created_at = dated.lead.joined.unwrap_or(dated.first_at);
        let entry = missing.entry(&arrival.email_key).or_insert((&arrival.email, created_at));
        entry.1 = entry.1.min(created_at);
    }
    if missing.is_empty() {
        return Ok(0);
    }
    let mut own = HashSet::new();
    let rows = missing.iter().map(|(key, (email, created_at))| {
        let id = UserId::new();
        own.insert(id);
        let values = vec![id.into(), (*email).into(), (*key).into(), NO_PASSWORD.into(), (*created_at).into()];
        Insert { table: &USERS, values }
    });
    Insert::execute_missing(rows.collect(), conn).await?;
    // Read the accounts again: somebody may have signed up with one of the addresses meanwhile.
    let found = accounts_of(conn, missing.keys().copied()).await?;
    let mut created = 0;
    for account in found.values().filter(|account| own.contains(&account.id)) {
        sign_up_conversion(conn, account.id, account.created_at).await?;
        created += 1;
    }
    accounts.extend(found);
    Ok(created)
}

/// Adds the touches with their visitors. Returns how many touches were not there.
async fn add_touches(
    conn: &mut Conn,
    leads: &[&DatedLead],
    accounts: &AccountsByEmail,
    rules: StoreRules,
) -> Result<u64, Error> {
    // sorted by id: the same order in every process
    let mut visitors: BTreeMap<VisitorId, (LeadAccount, Timestamp)> = BTreeMap::new();
    let mut touches: BTreeMap<TouchId, Insert> = BTreeMap::new();
    for dated in leads {
        let lead = &dated.lead;
        let Some(account) = accounts.get(&lead.arrival.email_key) else { continue };
        let Some(id) = lead.touch_id(Some(account.id)) else { continue };
        let visitor = visitor_of(account.id);
        let first = visitors.entry(visitor).or_insert((*account, dated.first_at));
        first.1 = first.1.min(dated.first_at);
        let mut touch = lead.touch.clone();
        touch.id = id;
        touches.insert(id, touch.row(visitor));
    }
    add_visitors(conn, &visitors, rules).await?;
    Insert::execute_missing(touches.into_values().collect(), conn).await
}

/// Adds missing visitors. An existing visitor gets the time of the first lead, if that time is earlier than the stored one.
async fn add_visitors(
    conn: &mut Conn,
    visitors: &BTreeMap<VisitorId, (LeadAccount, Timestamp)>,
    rules: StoreRules,
) -> Result<(), Error> {
    let known: Vec<(VisitorId, Timestamp)> =
        select_in(conn, "select id, first_seen_at from visitors where id in", visitors.keys().map(|id| (*id).into()))
            .await?;
    let known: HashMap<VisitorId, Timestamp> = known.into_iter().collect();
    let mut missing = Vec::new();
    for (id, (account, first_at)) in visitors {
        match known.get(id) {
            None => {
                let waits = rules.wait_for_confirmation && account.unconfirmed;
                // the visitor counts as linked to the user since the account was created
                let linked = (!waits).then_some((account.id, account.created_at));
                let values = vec![
                    (*id).into(),
                    linked.map(|(user, _)| user).into(),
                    (*first_at).into(),
                    linked.map(|(_, at)| at).into(),
                    waits.then_some(account.id).into(),
                ];
                missing.push(Insert { table: &VISITORS, values });
            }
            Some(seen) if seen > first_at => {
                sql("update visitors set first_seen_at = $2 where id = $1 and first_seen_at > $2")
                    .bind(*id)
                    .bind(*first_at)
                    .execute(conn)
                    .await?;
            }
            Some(_) => {}
        }
    }
    Insert::execute_missing(missing, conn).await.map(|_| ())
}

/// Runs `head ($1, …, $100)` for all values, a hundred at a time: the database prepares one statement only.
async fn select_in<T: FromEitherRow>(
    conn: &mut Conn,
    head: &'static str,
    values: impl Iterator<Item = Value>,
) -> Result<Vec<T>, Error> {
    const AT_A_TIME: usize = 100;
    let values: Vec<Value> = values.collect();
    let text = format!("{head} ({})", placeholders(1, AT_A_TIME));
    let mut rows = Vec::new();
    for chunk in values.chunks(AT_A_TIME) {
        let Some(last) = chunk.last() else { continue };
        // the last value fills the places that are left
        let filled = chunk.iter().chain(std::iter::repeat(last)).take(AT_A_TIME).cloned();
        rows.extend(sql(text.clone()).bind_all(filled).fetch_all::<T>(conn).await?);
    }
    Ok(rows)
}
