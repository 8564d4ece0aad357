use serde_json::Value;

use super::{Arrival, THEN, conversion, link, person, referred, run, session, touch};
use crate::{
    audit::{Action, Entry, Origin},
    auth::User,
    components::format::rfc3339,
    db::{Db, Dialect, sql, testing::each_database},
    id::InvitationId,
    privacy::export::export,
    timestamp::{MILLISECOND, Timestamp},
};

/// The place of each column in the document of the user of [`seeded`].
const EXPORTED: &[(&str, &str, &str)] = &[
    ("users", "id", "/account/id"),
    ("users", "email", "/account/email"),
    ("users", "role", "/account/role"),
    ("users", "created_at", "/account/created_at"),
    ("users", "email_verified_at", "/account/email_verified_at"),
    ("users", "disabled_at", "/account/disabled_at"),
    ("users", "sample", "/account/sample"),
    ("users", "erased_at", "/account/erased_at"),
    ("users", "second_factor_at", "/account/second_factor_at"),
    ("tower_sessions", "expiry_date", "/sessions/0/ends_at"),
    ("sign_in_failures", "failures", "/failed_sign_ins/count"),
    ("sign_in_failures", "last_failed_at", "/failed_sign_ins/last_at"),
    ("sign_in_failures", "blocked_until", "/failed_sign_ins/blocked_until"),
    ("visitors", "id", "/visitors/0/id"),
    ("visitors", "first_seen_at", "/visitors/0/first_seen_at"),
    ("visitors", "linked_at", "/visitors/0/linked_at"),
    ("visitors", "sample", "/visitors/0/sample"),
    ("consents", "decided_at", "/visitors/0/consents/0/decided_at"),
    ("consents", "granted", "/visitors/0/consents/0/granted"),
    ("consents", "wording", "/visitors/0/consents/0/wording"),
    ("touches", "id", "/visitors/0/touches/0/id"),
    ("touches", "occurred_at", "/visitors/0/touches/0/occurred_at"),
    ("touches", "source", "/visitors/0/touches/0/source"),
    ("touches", "medium", "/visitors/0/touches/0/medium"),
    ("touches", "campaign", "/visitors/0/touches/0/campaign"),
    ("touches", "term", "/visitors/0/touches/0/term"),
    ("touches", "content", "/visitors/0/touches/0/content"),
    ("touches", "utm_id", "/visitors/0/touches/0/utm_id"),
    ("touches", "source_platform", "/visitors/0/touches/0/source_platform"),
    ("touches", "creative_format", "/visitors/0/touches/0/creative_format"),
    ("touches", "marketing_tactic", "/visitors/0/touches/0/marketing_tactic"),
    ("touches", "channel", "/visitors/0/touches/0/channel"),
    ("touches", "click_ids", "/visitors/0/touches/0/click_ids"),
    ("touches", "tags", "/visitors/0/touches/0/custom_tags"),
    ("touches", "landing_path", "/visitors/0/touches/0/landing_path"),
    ("touches", "referrer", "/visitors/0/touches/0/referrer"),
    ("touches", "derived", "/visitors/0/touches/0/derived"),
    ("touches", "internal", "/visitors/0/touches/0/internal"),
    ("touches", "hits", "/visitors/0/touches/0/hits"),
    ("touches", "origin", "/visitors/0/touches/0/origin"),
    ("touches", "rules_version", "/visitors/0/touches/0/rules_version"),
    ("conversions", "id", "/conversions/1/id"),
    ("conversions", "kind", "/conversions/1/kind"),
    ("conversions", "value", "/conversions/1/value_in_minor_units"),
    ("conversions", "currency", "/conversions/1/currency"),
    ("conversions", "occurred_at", "/conversions/1/occurred_at"),
    ("conversions", "recorded_at", "/conversions/1/recorded_at"),
    ("conversions", "source", "/conversions/1/source"),
    ("conversions", "external_id", "/conversions/1/external_id"),
    ("known_devices", "created_at", "/known_browsers/0/known_since"),
    ("known_devices", "last_used_at", "/known_browsers/0/last_sign_in_at"),
    ("known_devices", "failures", "/known_browsers/0/failed_sign_ins"),
    ("known_devices", "last_failed_at", "/known_browsers/0/last_failed_at"),
    ("known_devices", "blocked_until", "/known_browsers/0/blocked_until"),
    ("audit_entries", "occurred_at", "/account_events/0/at"),
    ("audit_entries", "action", "/account_events/0/action"),
    ("audit_entries", "detail", "/account_events/0/detail"),
    ("audit_entries", "network", "/account_events/0/network"),
    ("invitations", "email", "/invitation/email"),
    ("invitations", "role", "/invitation/role"),
    ("invitations", "created_at", "/invitation/invited_at"),
    ("invitations", "expires_at", "/invitation/expires_at"),
    ("user_identities", "provider", "/providers/0/provider"),
    ("user_identities", "subject", "/providers/0/your_number_there"),
    ("user_identities", "email", "/providers/0/your_email_there"),
    ("user_identities", "created_at", "/providers/0/connected_at"),
    ("user_identities", "last_used_at", "/providers/0/last_sign_in_at"),
    ("conversions", "refund_of", "/conversions/1/refund_of"),
    ("conversions", "sample", "/conversions/1/sample"),
    ("projects", "id", "/projects/0/id"),
    ("projects", "name", "/projects/0/name"),
    ("projects", "note", "/projects/0/note"),
    ("projects", "created_at", "/projects/0/created_at"),
    ("referral_tokens", "token", "/referral_link/token"),
    ("referral_tokens", "campaign", "/referral_link/campaign"),
    ("referral_tokens", "landing_path", "/referral_link/landing_path"),
    ("referral_tokens", "created_at", "/referral_link/created_at"),
    ("referral_tokens", "expires_at", "/referral_link/expires_at"),
    ("referral_tokens", "disabled_at", "/referral_link/disabled_at"),
    ("referrals", "token", "/referred_by/token"),
    ("referrals", "created_at", "/referred_by/at"),
];

/// The columns that are not in the document, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("users", "email_lower", "the address once more, in lower case"),
    ("users", "password_hash", "a secret"),
    ("users", "session_epoch", "a counter that ends sessions"),
    ("tower_sessions", "id", "a secret"),
    (
        "tower_sessions",
        "data",
        "its times and its browser are there; the rest is the visitor's id and a digest that checks it",
    ),
    ("tower_sessions", "user_id", "the account's id"),
    ("sign_in_failures", "account", "a digest of the address"),
    ("known_devices", "user_id", "the account's id"),
    ("second_factors", "user_id", "the account's id"),
    ("second_factors", "secret", "a secret"),
    ("second_factors", "created_at", "the account says since when there is a second factor"),
    ("second_factors", "last_step", "the last half minute with a code"),
    ("recovery_codes", "user_id", "the account's id"),
    ("recovery_codes", "code_hash", "a secret"),
    ("recovery_codes", "created_at", "the account says since when there is a second factor"),
    ("known_devices", "token_hash", "a secret"),
    ("user_identities", "user_id", "the account's id"),
    ("visitors", "user_id", "the account's id"),
    ("consents", "visitor_id", "they stand with their visitor"),
    ("touches", "visitor_id", "they stand with their visitor"),
    ("touches", "fingerprint", "a digest of what is there"),
    ("touches", "first_fingerprint", "a digest of a part of what is there"),
    ("conversions", "user_id", "the account's id"),
    ("projects", "user_id", "the account's id"),
    ("referral_tokens", "owner_id", "the account's id"),
    ("referral_tokens", "signups", "the number of the sign-ups that are there"),
    ("referrals", "referee_id", "the account's id"),
    ("audit_entries", "id", "its time is there"),
    ("audit_entries", "actor_kind", "the document says whether it was the user"),
    ("audit_entries", "actor_id", "the user, or another person"),
    ("audit_entries", "actor_email", "the user's, or another person's"),
    ("audit_entries", "target_id", "the user, or another person"),
    ("audit_entries", "target", "the user's address, or another person's"),
    ("audit_entries", "request_id", "a number in the server's log"),
    ("visitors", "pending_user_id", "of leads that wait until the address is confirmed, and are nobody's before"),
    ("one_time_tokens", "token_hash", "a secret"),
    ("one_time_tokens", "purpose", "of a link that works for days at most"),
    ("one_time_tokens", "user_id", "the account's id"),
    ("one_time_tokens", "email", "the account's address, or the one that it is to get"),
    ("one_time_tokens", "session_epoch", "a counter that ends sessions"),
    ("one_time_tokens", "visitor_id", "the visitor is there once the link is used"),
    ("one_time_tokens", "created_at", "of a link that works for days at most"),
    ("one_time_tokens", "expires_at", "of a link that works for days at most"),
    ("one_time_tokens", "invitation_id", "the invitation is there"),
    ("invitations", "id", "a number of the row"),
    ("invitations", "email_lower", "the address once more, in lower case"),
    ("invitations", "invited_by", "another person. An invitation by the user has another person's address"),
    ("queued_jobs", "id", "work that lasts for seconds, such as a mail to the user"),
    ("queued_jobs", "kind", "which work"),
    ("queued_jobs", "payload", "what the work has to know, until it is done: the account's id and address"),
    ("queued_jobs", "user_id", "the account's id"),
    ("queued_jobs", "subject", "a digest of the address"),
    ("queued_jobs", "state", "how the work goes"),
    ("queued_jobs", "created_at", "how the work goes"),
    ("queued_jobs", "due_at", "how the work goes"),
    ("queued_jobs", "tries", "how the work goes"),
    ("queued_jobs", "started_at", "how the work goes"),
    ("queued_jobs", "last_error", "how the work goes"),
    ("queued_jobs", "ended_at", "how the work goes"),
    ("erasures", "id", "of an account that is closed and can export nothing"),
    ("erasures", "user_id", "the account's id"),
    ("erasures", "token_hash", "a secret"),
    ("erasures", "requested_at", "the confirmation page says it"),
    ("erasures", "task", "digests, until the erasure is done"),
    ("erasures", "rows_cleaned_at", "the confirmation page says it"),
    ("erasures", "files_cleaned_at", "the confirmation page says it"),
];

/// Tables without a reference to a user or visitor.
const UNRELATED: &[(&str, &str)] = &[
    ("api_tokens", "of applications that report conversions"),
    ("ignored_arrivals", "counts by day"),
    ("campaign_aliases", "names of campaigns"),
    ("jobs", "work of the server"),
    ("hourly_limits", "counts of the whole site"),
    ("_sqlx_migrations", "versions of the schema"),
    ("fact_changes", "ids of rows that changed, for reports: nothing that those rows do not say"),
];

/// The beginnings of the names of SQLite's tables for searching users by e-mail address. They have numbers of users, and which
/// letters stand in their addresses.
const SEARCH: [&str; 2] = ["user_numbers", "user_search"];

/// Adds a user with a value in every exported column.
async fn seeded(db: &Db) -> User {
    let maria = person(db, "Maria@example.com").await;
    let friend = person(db, "friend@example.com").await;
    let (clicks, tags) = (r#"{"gclid":"CLICK-1"}"#, r#"{"ref":["x","y"]}"#);
    touch(db, maria.visitor, Arrival { click_ids: clicks, tags, ..Arrival::default() }).await;
    // other people's rows must not be in the document
    touch(db, friend.visitor, Arrival { campaign: "somebody-elses", ..Arrival::default() }).await;
    let purchase = conversion(db, maria.user, "order-1", 4900, None).await;
    conversion(db, maria.user, "refund-1", -4900, Some(purchase)).await;
    conversion(db, friend.user, "order-2", 1, None).await;
    session(db, maria.user).await;
    for (user, hash) in [(maria.user, vec![1_u8; 32]), (friend.user, vec![2_u8; 32])] {
        let device = sql("insert into known_devices
            (user_id, token_hash, created_at, last_used_at, failures, last_failed_at, blocked_until)
            values ($1, $2, $3, $4, 6, $5, $6)")
        .bind(user)
        .bind(hash)
        .bind(THEN + 11 * MILLISECOND)
        .bind(THEN + 12 * MILLISECOND)
        .bind(THEN + 13 * MILLISECOND)
        .bind(THEN + 14 * MILLISECOND);
        run(db, device).await;
    }
    for (user, subject, email) in
        [(maria.user, "person-7", "maria@there.example"), (friend.user, "person-8", "friend@example.com")]
    {
        let identity = sql("insert into user_identities (provider, subject, user_id, email, created_at, last_used_at)
            values ('google', $1, $2, $3, $4, $5)");
        let identity = identity.bind(subject).bind(user).bind(email);
        run(db, identity.bind(THEN + 15 * MILLISECOND).bind(THEN + 16 * MILLISECOND)).await;
    }
    crate::privacy::projects::add_sample(db, maria.user, "marias").await;
    crate::privacy::projects::add_sample(db, friend.user, "somebody-elses").await;
    for (to, by) in [("maria@example.com", friend.user), ("somebody-elses@example.com", maria.user)] {
        let invitation =
            sql("insert into invitations (id, email, email_lower, role, invited_by, created_at, expires_at)
            values ($1, $2, $2, 'admin', $3, $4, $5)");
        let invitation = invitation.bind(InvitationId::new()).bind(to).bind(by);
        run(db, invitation.bind(THEN + 17 * MILLISECOND).bind(THEN + 18 * MILLISECOND)).await;
    }
    link(db, maria.user, "marias-link").await;
    link(db, friend.user, "friends-link").await;
    referred(db, maria.user, "friends-link").await;
    referred(db, friend.user, "marias-link").await;
    let consent = sql("insert into consents (visitor_id, decided_at, granted, wording) values ($1, $2, true, 'v1')");
    run(db, consent.bind(maria.visitor).bind(THEN - 3 * MILLISECOND)).await;
    crate::auth::throttle::count_failure(db, "maria@example.com", None).await.expect("counted");
    for person in [maria, friend] {
        let origin = Origin { network: Some("203.0.113.0/24".to_owned()), request_id: None };
        let entry = Entry::of_own_account(Action::SignIn, person.user, "somebody-elses@example.com", &origin);
        entry.detail("with a code").write_alone(db).await.expect("written");
    }
    let ended =
        sql("update users set email_verified_at = $2, disabled_at = $2, erased_at = $3, second_factor_at = $3 where id = $1").bind(maria.user);
    run(db, ended.bind(THEN + MILLISECOND).bind(THEN + 2 * MILLISECOND)).await;
    User::find(&mut db.read().await.expect("a connection"), maria.user).await.expect("answered").expect("a user")
}

/// Returns all columns of all tables, and all references from table to table.
async fn schema(db: &Db) -> (Vec<(String, String)>, Vec<(String, String)>) {
    let (columns, references) = match db.dialect() {
        Dialect::Sqlite => (
            "select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p
             where m.type = 'table' and m.name not like 'sqlite%'",
            "select m.name, p.\"table\" from sqlite_master m join pragma_foreign_key_list(m.name) p where m.type = 'table'",
        ),
        Dialect::Postgres => (
            "select cast(c.table_name as text), cast(c.column_name as text) from information_schema.columns c
             join information_schema.tables t on t.table_name = c.table_name and t.table_schema = c.table_schema
             where c.table_schema = 'public' and t.table_type = 'BASE TABLE'",
            "select cast(cast(conrelid as regclass) as text), cast(cast(confrelid as regclass) as text)
             from pg_constraint where contype = 'f'",
        ),
    };
    let mut conn = db.read().await.expect("a connection");
    let columns = sql(columns).fetch_all(&mut conn).await.expect("columns");
    (columns, sql(references).fetch_all(&mut conn).await.expect("references"))
}

#[tokio::test]
async fn every_column_is_in_the_document_or_left_out_for_a_reason() {
    each_database(async |db| {
        let (columns, references) = schema(&db).await;
        assert!(columns.len() > 60, "{columns:?}");
        let is_known = |list: &[(&str, &str, &str)], table: &str, column: &str| {
            list.iter().any(|(known, its, _)| (*known, *its) == (table, column))
        };
        for (table, column) in &columns {
            let known = is_known(EXPORTED, table, column)
                || is_known(LEFT_OUT, table, column)
                || UNRELATED.iter().any(|(nobodys, _)| nobodys == table)
                || SEARCH.iter().any(|search| table.starts_with(search));
            assert!(known, "{table}.{column} is neither in the export nor left out for a reason");
        }
        for (table, to) in &references {
            let nobodys = UNRELATED.iter().any(|(nobodys, _)| nobodys == table);
            assert!(!nobodys, "{table} refers to {to}, so that it knows somebody");
        }
        for (table, column, _) in EXPORTED.iter().chain(LEFT_OUT) {
            let exists = columns.iter().any(|(its, name)| its == table && name == column);
            assert!(exists, "there is no {table}.{column} any more");
        }
    })
    .await;
}

#[tokio::test]
async fn the_document_says_what_the_rows_say() {
    each_database(async |db| {
        let user = seeded(&db).await;
        let mut conn = db.read().await.expect("a connection");
        let document = export(&mut conn, &user, THEN + 7 * MILLISECOND).await.expect("exported");
        let document = serde_json::to_value(&document).expect("JSON");
        for (table, column, pointer) in EXPORTED {
            let value = match db.dialect() {
                Dialect::Sqlite => {
                    format!(
                        "case typeof({column}) when 'blob' then lower(hex({column})) else cast({column} as text) end"
                    )
                }
                Dialect::Postgres => format!("cast({column} as text)"),
            };
            // `seeded` adds rows of other people too
            let whose = match *table {
                "users" => "id = $1",
                "known_devices" | "tower_sessions" | "user_identities" | "visitors" => "user_id = $1",
                "consents" | "touches" => "visitor_id in (select id from visitors where user_id = $1)",
                "conversions" => "user_id = $1 and refund_of is not null",
                "projects" => "user_id = $1",
                "referral_tokens" => "owner_id = $1",
                "referrals" => "referee_id = $1",
                "audit_entries" => "actor_id = $1",
                "invitations" => "email_lower = (select email_lower from users where id = $1)",
                _ => "account is not null or $1 is null",
            };
            let row: Vec<(Option<String>,)> = sql(format!("select {value} from {table} where {whose}"))
                .bind(user.id)
                .fetch_all(&mut conn)
                .await
                .expect("a row");
            let [(Some(stored),)] = &row[..] else { panic!("{table}.{column} has {row:?}") };
            let shown = document.pointer(pointer).unwrap_or(&Value::Null);
            assert!(is_same(stored, shown), "{table}.{column} is {stored:?}, {pointer} says {shown}");
        }
        let text = document.to_string();
        for others in ["a-secret-hash", "friend@example.com", "somebody-elses", "order-2"] {
            assert!(!text.contains(others), "{others}: {text}");
        }
        assert_eq!(document["sessions"][0]["signed_in_at"], rfc3339(THEN));
        assert_eq!(document["referral_link"]["brought"], serde_json::json!([rfc3339(THEN + 5 * MILLISECOND)]));
        assert_eq!(document["exported_at"], "2026-11-01T12:00:00.007Z");
    })
    .await;
}

/// Returns whether a column's text and the value in the document mean the same.
fn is_same(stored: &str, shown: &Value) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).take(14).collect::<String>();
    match shown {
        Value::String(text) => {
            let time = stored.parse().is_ok_and(|millis| rfc3339(Timestamp::from_millis(millis)) == *text);
            let date = text.len() > 18 && stored.contains(':') && digits(stored) == digits(text);
            text == stored || time || date || text.replace('-', "") == stored.replace('-', "")
        }
        Value::Bool(value) => *value == matches!(stored, "1" | "true"),
        Value::Number(number) => number.to_string() == stored,
        Value::Object(_) | Value::Array(_) => serde_json::from_str::<Value>(stored).ok().as_ref() == Some(shown),
        Value::Null => false,
    }
}
