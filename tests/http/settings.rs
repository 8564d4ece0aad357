//! The settings: each is documented in `.env.example`.

use std::{cell::RefCell, collections::BTreeSet, fs, path::Path};

use waymark::config::Config;

/// Variables that only other programs set: `cargo`, `cargo leptos`, and `bin/test`.
const SET_BY_TOOLS: [&str; 8] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_PKG_NAME",
    "LEPTOS_HASH_FILES",
    "LEPTOS_RELOAD_EXTERNAL_PORT",
    "LEPTOS_RELOAD_PORT",
    "LEPTOS_SITE_PKG_DIR",
    "LEPTOS_WATCH",
    "TEST_POSTGRES_URL",
];

#[test]
fn env_example_names_exactly_the_variables_that_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = fs::read_to_string(root.join(".env.example")).expect(".env.example");
    let named: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| is_variable(name))
        .collect();

    let asked = RefCell::new(BTreeSet::new());
    let _ = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let mut read = asked.into_inner();
    // Each setting may stand in a file instead (`MAIL_URL_FILE`), which .env.example says once.
    let in_files: Vec<String> = read.iter().map(|name| format!("{name}_FILE")).collect();
    for name in &in_files {
        read.remove(name);
    }
    assert!(read.len() > 10, "{read:?}");
    read_elsewhere(&root.join("src"), &mut read);
    for name in SET_BY_TOOLS {
        assert!(read.remove(name), "{name} is not read any more");
    }
    let read: BTreeSet<&str> = read.iter().map(String::as_str).collect();
    let differing: Vec<_> = named.symmetric_difference(&read).collect();
    assert!(differing.is_empty(), "named but not read, or read but not named: {differing:?}");
}

fn is_variable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Adds the variables that files below `folder` read without [`Config`]. In a file that reads variables, each string that looks
/// like the name of a variable counts.
fn read_elsewhere(folder: &Path, read: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry of src").path();
        if path.file_stem().is_some_and(|name| name == "config") {
            continue;
        }
        if path.is_dir() {
            read_elsewhere(&path, read);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.contains("env::var") || text.contains("env = \"") {
            read.extend(text.split('"').filter(|part| part.contains('_') && is_variable(part)).map(str::to_owned));
        }
    }
}
