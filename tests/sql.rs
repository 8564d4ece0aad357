//! SQL text never contains input: values are bound to placeholders. The test lists what the source puts into SQL text.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, fs, path::Path};

/// What stands in braces in SQL text, file by file; `_` stands for an argument after the text. Each is a constant, a list of
/// placeholders, a number or a name that the code chooses. Whoever adds a word has looked at where the text comes from.
const IN_BRACES: &str = "
attribution/consent/log.rs: _
attribution/conversion/mod.rs: STORED
attribution/facts/load.rs: CONVERSION TOUCH UTM _ condition
attribution/facts/load_all.rs: CONVERSION USERS array part tuple visitor
attribution/referral/token.rs: order
attribution/report/leads.rs: UTM from
attribution/report/page.rs: _ rest
attribution/report/referrals.rs: owned
attribution/report/users.rs: _
attribution/touch/complete.rs: _
attribution/touch/known.rs: _ list
attribution/touch/reclassify.rs: _ places
attribution/touch/rows.rs: _
auth/doors/invitation.rs: INVITER
auth/doors/invite.rs: INVITER
auth/doors/one_time.rs: WORKS
auth/known_device.rs: OF_A_USER
auth/manage.rs: _
auth/providers/identity.rs: _
auth/user.rs: COLUMNS
backup/postgres.rs: name table
backup/sqlite.rs: quoted table
db/bulk.rs: _ table
db/insert.rs: _ values
db/migrate.rs: LOCK_TIMEOUT hex
db/wipe/mod.rs: table
db/wipe/search.rs: table
db/wipe/sqlite.rs: _
demo/remove.rs: table
import/sqlite_schema.rs: cells key name table too_long user
jobs/queue.rs: kinds_in skip
privacy/erase/mod.rs: _
privacy/erase/pass.rs: candidates key one other personal table texts
privacy/erase/shared_values.rs: name
privacy/erase/touch_texts.rs: _ lock rest utm
privacy/export.rs: _
server/workarounds/session_store/loads.rs: JOINED_COLUMNS _
server/workarounds/session_store/mod.rs: _
user_lock.rs: lock
";

/// The words with which SQL text begins.
const BEGINNINGS: [&str; 12] = [
    "select ",
    "insert into ",
    "update ",
    "delete from ",
    "vacuum",
    "pragma ",
    "with ",
    "set ",
    "where ",
    "alter ",
    "copy ",
    "analyze ",
];

fn read_folder(folder: &Path, below: &str, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            read_folder(&path, &format!("{below}{name}/"), texts);
        } else if name.ends_with(".rs") && !matches!(name.as_str(), "tests.rs" | "testing.rs") {
            let text = fs::read_to_string(&path).expect("text");
            let code = text.split("\nmod tests {").next().unwrap_or_default();
            texts.push((format!("{below}{name}"), code.to_owned()));
        }
    }
}

/// Returns the text literals that a call of `format!` begins with.
fn formats(code: &str) -> impl Iterator<Item = &str> {
    code.split("format!(").skip(1).filter_map(|call| {
        let literal = call.trim_start().trim_start_matches('r').strip_prefix('"')?;
        let end = literal.char_indices().find(|(at, c)| *c == '"' && !literal[..*at].ends_with('\\'));
        Some(literal[..end?.0].trim_start())
    })
}

/// Returns what stands in braces in SQL text: `select {COLUMNS} from t where id in ({})` → `COLUMNS`, `_`.
fn in_braces(code: &str) -> BTreeSet<String> {
    let is_sql = |text: &&str| BEGINNINGS.iter().any(|beginning| text.to_lowercase().starts_with(beginning));
    let inner =
        formats(code).filter(is_sql).flat_map(|text| text.split('{').skip(1).filter_map(|rest| rest.split('}').next()));
    inner.map(|name| if name.is_empty() { "_".to_owned() } else { name.to_owned() }).collect()
}

#[test]
fn sql_text_is_made_of_code_alone() {
    let mut texts = Vec::new();
    read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "", &mut texts);
    let found: BTreeSet<String> = texts
        .into_iter()
        .map(|(file, code)| (file, in_braces(&code)))
        .filter(|(_, names)| !names.is_empty())
        .map(|(file, names)| format!("{file}: {}", names.into_iter().collect::<Vec<_>>().join(" ")))
        .collect();
    let listed: BTreeSet<String> = IN_BRACES.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let [new, gone] = [(&found, &listed), (&listed, &found)].map(|(a, b)| a.difference(b).collect::<Vec<_>>());
    assert!(
        new.is_empty() && gone.is_empty(),
        "SQL text has other words in braces. If none comes from a request, change IN_BRACES in tests/sql.rs: \
         the lines {new:#?} in place of {gone:#?}"
    );
}

#[test]
fn text_in_braces_is_found() {
    let code = r#"
        sql(format!("select {A} from t where id in ({})", list));
        sql(format!(
            r"update t set a = {name} where b like '\'"
        ));
        format!("Select the file {path}.");
    "#;
    let found: Vec<String> = in_braces(code).into_iter().collect();
    assert_eq!(found, ["A", "_", "name", "path"], "a sentence that begins like SQL is better listed than missed");
}
