//! What the documents name is there: the tests in `docs/security.md`, the metrics in `docs/operating.md`, the version of SQLite.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The ids of the requirements: a group's letter, and how many requirements the group has.
const GROUPS: [(char, usize); 10] =
    [('A', 17), ('S', 13), ('C', 4), ('H', 7), ('I', 7), ('O', 6), ('P', 8), ('D', 12), ('L', 13), ('X', 11)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("node_modules") {
                files(&path, end, found);
            }
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
}

/// Returns the names of all tests, as `docs/security.md` writes them: `http::sessions::…` for tests over HTTP, `browser: …` for a
/// title of a browser test, `unit::…` for a function in `src/` or another file of `tests/`.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut sources = Vec::new();
    files(&root().join("src"), ".rs", &mut sources);
    files(&root().join("tests"), ".rs", &mut sources);
    for path in sources {
        let text = fs::read_to_string(&path).expect("text");
        let below = path.strip_prefix(root()).expect("below the root");
        let prefix = match below.strip_prefix("tests/http") {
            Ok(file) => {
                let module = file.with_extension("").display().to_string().replace('/', "::");
                format!("http::{}", module.trim_end_matches("::mod"))
            }
            Err(_) => "unit".to_owned(),
        };
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if !(line.starts_with("#[test") || line.starts_with("#[tokio::test")) {
                continue;
            }
            let signature = lines.by_ref().find(|line| line.contains("fn ")).unwrap_or_default();
            let name = signature.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).expect("a name");
            names.insert(format!("{prefix}::{name}"));
        }
    }
    let mut specs = Vec::new();
    files(&root().join("end2end/tests"), ".ts", &mut specs);
    for path in specs {
        let text = fs::read_to_string(&path).expect("text");
        let titles = text.split("test(\"").skip(1).filter_map(|rest| rest.split('"').next());
        names.extend(titles.map(|title| format!("browser: {title}")));
    }
    names
}

/// Returns the rows of the tables: id → the cell that says what shows the requirement.
fn rows(text: &str) -> BTreeMap<String, String> {
    let rows = text.lines().filter(|line| line.starts_with("| ")).map(|line| line.trim_matches('|').split(" | "));
    let cells = rows.map(|cells| cells.map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    let is_id = |id: &str| id.len() == 3 && id[1..].chars().all(|c| c.is_ascii_digit());
    cells.filter(|cells| is_id(&cells[0])).map(|cells| (cells[0].clone(), cells[2].clone())).collect()
}

/// Returns the names in back quotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Returns the fault that a cell names after `bin/faults`. A few cells speak of a column of its table instead.
fn fault(cell: &str) -> Option<&str> {
    cell.split("`bin/faults`: ").nth(1)?.split(' ').next().filter(|word| *word != "the")
}

#[test]
fn every_requirement_has_a_test_or_a_reason() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("docs/security.md");
    let faults = fs::read_to_string(root().join("tests/faults/cases/mod.rs")).unwrap_or_default();
    let (rows, tests) = (rows(&text), tests());
    let ids = GROUPS.iter().flat_map(|(group, count)| (1..=*count).map(move |n| format!("{group}{n:02}")));
    let missing: Vec<String> = ids.filter(|id| !rows.contains_key(id)).collect();
    assert_eq!(missing, [""; 0], "these requirements have no row");
    let mut wrong = Vec::new();
    for (id, cell) in rows {
        let is_test = |name: &&str| ["http::", "unit::", "browser: "].iter().any(|kind| name.starts_with(kind));
        let named: Vec<&str> = quoted(&cell).filter(is_test).collect();
        let unknown = named.iter().filter(|name| !tests.contains(**name));
        wrong.extend(unknown.map(|name| format!("{id} names {name}, which is no test")));
        let unknown = fault(&cell).filter(|name| !faults.contains(&format!("=> \"{name}\",")));
        wrong.extend(unknown.map(|name| format!("{id} names the fault {name}, which there is not")));
        let other = ["`bin/faults`", "Not built", "Not tested", "workflow"].iter().any(|word| cell.contains(word));
        if named.is_empty() && !other {
            wrong.push(format!("{id} has neither a test nor a reason"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// Returns the metrics that a text names.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let words = text.split(|letter: char| !is_part(letter)).filter(|word| word.starts_with("waymark_"));
    words.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

#[test]
fn every_metric_is_explained_and_drawn() {
    let mut sources = Vec::new();
    files(&root().join("src"), ".rs", &mut sources);
    let mut recorded = BTreeSet::new();
    for path in sources {
        let text = fs::read_to_string(&path).expect("text");
        let names = text.split("\"waymark_").skip(1).filter_map(|rest| rest.split('"').next());
        recorded.extend(
            names
                .filter(|name| name.ends_with("_total") || text.contains("metrics::"))
                .map(|name| format!("waymark_{name}")),
        );
    }
    recorded.retain(|name| name.len() > "waymark_".len() && !name.contains(['{', ' ']));
    assert!(recorded.len() > 20, "{recorded:?}");
    let table = read("docs/operating.md");
    let explained = metrics(&table.lines().filter(|line| line.starts_with("| `waymark_")).collect::<String>());
    assert_eq!(explained, recorded, "docs/operating.md explains exactly the metrics that there are");
    assert_eq!(metrics(&read("docs/grafana.json")), recorded, "and docs/grafana.json draws them");
    assert_eq!(metrics(&read("docs/alerts.yml")).difference(&recorded).collect::<Vec<_>>(), [""; 0]);
}

/// Returns the anchors that GitHub gives the headings of a document: "Moving in, `again`" → `moving-in-again`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut in_code = false;
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        in_code ^= line.starts_with("```");
        let Some((_, heading)) =
            line.split_once("# ").filter(|(hashes, _)| !in_code && hashes.trim_matches('#').is_empty())
        else {
            continue;
        };
        let letters = heading.trim().chars().flat_map(char::to_lowercase);
        let kept = letters.filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        anchors.insert(kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect());
    }
    anchors
}

#[test]
fn an_anchor_is_the_heading_in_small_letters() {
    let text = "# Fly.io\n```sh\n# a comment\n```\n## Moving in, `again`\nissue # 3\n### A_b-c\n";
    assert_eq!(anchors(text), ["a_b-c", "flyio", "moving-in-again"].map(String::from).into());
}

/// The links of documents to files of this repository and to their headings, such as `docs/mail.md#settings`.
#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut documents = Vec::new();
    for entry in fs::read_dir(root()).expect("the root") {
        documents.extend(Some(entry.expect("an entry").path()).filter(|path| path.extension() == Some("md".as_ref())));
    }
    files(&root().join("docs"), ".md", &mut documents);
    files(&root().join("tests"), ".md", &mut documents);
    assert!(documents.len() > 15, "{documents:?}");
    let mut wrong = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).expect("text");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let folder = document.parent().expect("a folder");
        for link in links.filter(|link| !link.contains(':')) {
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let file = if path.is_empty() { document.clone() } else { folder.join(path) };
            let leads = match anchor {
                None => file.exists(),
                Some(anchor) => fs::read_to_string(&file).is_ok_and(|text| anchors(&text).contains(anchor)),
            };
            if !leads {
                wrong.push(format!("{} links to {link}", document.display()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = read("docs/alerts.yml");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let document = read("docs/operating.md");
    let runbook = read("docs/runbook.md");
    assert!(alerts.len() > 8);
    for alert in alerts {
        assert!(document.contains(&format!("| {alert} |")), "{alert}");
        assert!(runbook.contains(&format!("\n## {alert}\n")), "docs/runbook.md has no {alert}");
    }
}

#[cfg(feature = "ssr")]
#[tokio::test]
async fn the_document_names_the_version_of_sqlite() {
    use waymark::db::{Db, Dialect, sql, testing::TestDatabase};
    let database = TestDatabase::create(Dialect::Sqlite).await;
    let db = Db::connect(&database.url).await.expect("a database");
    let mut conn = db.read().await.expect("a connection");
    let version: String = sql("select sqlite_version()").fetch_scalar(&mut conn).await.expect("a version");
    assert!(read("docs/security.md").contains(&format!("**SQLite {version}**")), "{version}");
    drop(conn);
    db.close().await;
    database.remove().await;
}
