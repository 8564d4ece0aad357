//! Imports run one way. The test reads the source. It fails on an import that [`MAY_IMPORT`] does not name, and on files that
//! import each other in a circle.
//!
//! A room is a file or folder of `src/`, or one of `src/attribution/`. Imports in tests do not count. An import of a name that a
//! `mod.rs` re-exports counts as an import of the file that has the name.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What each room may import, from the bottom up: a room never imports one that stands further down in this list.
const MAY_IMPORT: &str = "
allocator:
host:
clean_text:
local_path:
cookie:
address_limit:
site:
variables:
word_enum:
timestamp:
random: timestamp
secret_token: random
db: timestamp
id: db
user_lock: db id timestamp
user_search: db id
visitor: db id timestamp
backup: db
audit: address_limit db id random timestamp word_enum
jobs: db id timestamp word_enum
mail: id site timestamp variables
attribution/tsv:
attribution/signal: clean_text host
attribution/source: attribution/signal attribution/tsv host
attribution/channel: attribution/signal attribution/source host word_enum
attribution/model: random timestamp
attribution/settings: attribution/channel attribution/model attribution/signal attribution/source host variables
attribution/touch: attribution/channel attribution/settings attribution/signal attribution/source db id timestamp
    word_enum
attribution/consent: attribution/settings cookie db id timestamp
attribution/capture: address_limit attribution/consent attribution/settings attribution/signal attribution/source
    attribution/touch attribution/tsv cookie db host id local_path timestamp visitor word_enum
attribution/referral: address_limit attribution/capture attribution/consent attribution/settings audit db id random timestamp
attribution/conversion: attribution/model attribution/signal db id timestamp user_lock
attribution/campaign_alias: attribution/signal audit db timestamp
attribution/facts: attribution/channel attribution/model attribution/signal attribution/touch db id timestamp
attribution/report: attribution/channel attribution/facts attribution/model attribution/settings attribution/signal
    attribution/touch db id timestamp user_search word_enum
page_parameters: attribution/capture
auth: address_limit audit attribution/capture attribution/conversion attribution/referral attribution/settings clean_text cookie db id
    jobs local_path mail random secret_token site timestamp variables visitor word_enum
config: attribution/facts attribution/settings auth db mail page_parameters variables
state: address_limit attribution/capture attribution/facts attribution/referral auth config db jobs mail
components: attribution/signal site timestamp
demo: attribution/channel attribution/conversion attribution/signal attribution/touch db id page_parameters random
    timestamp
import: attribution/channel attribution/conversion attribution/signal attribution/touch auth db id page_parameters
    timestamp
privacy: attribution/conversion attribution/signal attribution/touch audit auth config db id jobs random secret_token state
    timestamp
pages: attribution/capture attribution/consent attribution/referral attribution/report attribution/settings auth
    components db privacy secret_token site state timestamp
admin: audit attribution/campaign_alias attribution/capture attribution/channel attribution/conversion attribution/facts
    attribution/model attribution/referral attribution/report attribution/settings attribution/signal attribution/source
    attribution/touch auth components db demo id jobs local_path pages privacy state timestamp
projects: attribution/conversion auth components db id pages state timestamp user_lock
app: admin attribution/capture auth components pages site state
    projects
server: address_limit admin app attribution/capture attribution/conversion attribution/facts attribution/referral
    attribution/report attribution/settings
    auth components config cookie db id jobs local_path mail pages privacy site state timestamp variables visitor
cli: attribution/touch audit auth backup components config db demo import jobs privacy server timestamp variables
main: allocator config
";

/// A module's path below the crate: `["attribution", "touch"]`.
type Module = Vec<String>;

/// The source: each file's imports, and how to find the file of a path.
#[derive(Default)]
struct Source {
    /// By the file's path below `src`.
    imports: BTreeMap<String, Vec<Module>>,
    files: BTreeMap<Module, String>,
    /// Re-exported name → where it comes from.
    re_exports: BTreeMap<Module, Module>,
}

impl Source {
    fn read() -> Self {
        let mut texts = Vec::new();
        read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "", &mut texts);
        Self::of(texts)
    }

    fn of(texts: Vec<(String, String)>) -> Self {
        let mut source = Self::default();
        for (file, _) in &texts {
            source.files.insert(module_of(file), file.clone());
        }
        for (file, text) in texts {
            let module = module_of(&file);
            let text = without_tests_and_comments(&text);
            let mut imports = Vec::new();
            let mut rest = String::new();
            for statement in text.split_inclusive(';') {
                let Some((before, tree)) = use_of(statement) else {
                    rest.push_str(statement);
                    continue;
                };
                rest.push_str(before);
                let mut paths = Vec::new();
                flatten(tree, &[], &mut paths);
                for path in paths {
                    let Some(path) = source.absolute(&path, &module) else { continue };
                    let own = path.starts_with(&module) && path.len() > module.len();
                    let public = before.lines().next_back().is_some_and(|line| line.trim_start().starts_with("pub"));
                    if public && own {
                        let name = path.last().cloned();
                        source.re_exports.insert([module.clone(), name.into_iter().collect()].concat(), path);
                    } else {
                        imports.push(path);
                    }
                }
            }
            imports.extend(inline_paths(&rest).iter().filter_map(|path| source.absolute(path, &module)));
            source.imports.insert(file, imports);
        }
        source
    }

    /// Returns the path from the crate's root, or `None` if the path leads to another crate.
    fn absolute(&self, path: &[String], module: &Module) -> Option<Module> {
        match path.first().map(String::as_str)? {
            "crate" | "waymark" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                Some([&module[..module.len().checked_sub(up)?], &path[up..]].concat())
            }
            child => {
                let own = [module.clone(), vec![child.to_owned()]].concat();
                self.files.contains_key(&own).then(|| [module, path].concat())
            }
        }
    }

    fn file_of(&self, mut path: Module) -> Option<&String> {
        while let Some((name, from)) =
            self.re_exports.iter().find(|(name, from)| path.starts_with(name) && !from.starts_with(name))
        {
            path = [from.clone(), path[name.len()..].to_vec()].concat();
        }
        (1..=path.len()).rev().find_map(|length| self.files.get(&path[..length]))
    }

    /// Returns which files each file imports.
    fn edges(&self) -> BTreeMap<&String, BTreeSet<&String>> {
        let edges = self.imports.iter().map(|(file, imports)| {
            let targets = imports.iter().filter_map(|path| self.file_of(path.clone()));
            (file, targets.filter(|target| *target != file).collect())
        });
        edges.collect()
    }

    fn wrong_imports(&self) -> Vec<String> {
        let (allowed, mut wrong) = (allowed(), Vec::new());
        for (file, targets) in self.edges() {
            let room = room_of(file);
            let names = allowed.iter().find(|(name, _)| *name == room).map(|(_, names)| names.as_slice());
            for target in targets.into_iter().filter(|target| room_of(target) != room) {
                if !names.unwrap_or_default().contains(&room_of(target)) {
                    wrong.push(format!("{file} imports {target}"));
                }
            }
        }
        wrong
    }

    fn circles(&self) -> Vec<String> {
        let edges = self.edges();
        let reached_from = |start| {
            let (mut reached, mut left) = (BTreeSet::new(), vec![start]);
            while let Some(file) = left.pop() {
                left.extend(edges.get(file).into_iter().flatten().filter(|next| reached.insert(**next)));
            }
            reached
        };
        edges.keys().filter(|file| reached_from(**file).contains(**file)).map(|file| (*file).clone()).collect()
    }
}

fn read_folder(folder: &Path, below: &str, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let file = format!("{below}{name}");
        if path.is_dir() {
            if name != "tests" {
                read_folder(&path, &format!("{file}/"), texts);
            }
        } else if name.ends_with(".rs") && !matches!(name, "tests.rs" | "testing.rs") {
            texts.push((file, fs::read_to_string(&path).expect("text")));
        }
    }
}

fn module_of(file: &str) -> Module {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod").trim_end_matches("lib");
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Returns the room of a file: `attribution/touch/store.rs` → `attribution/touch`, `config.rs` → `config`.
fn room_of(file: &str) -> &str {
    let depth = if file.starts_with("attribution/") { 2 } else { 1 };
    let end = file.match_indices('/').nth(depth - 1).map_or(file.len(), |(end, _)| end);
    file[..end].trim_end_matches(".rs")
}

/// Returns a file's code. Unit tests stand at the end of a file, and are cut off.
fn without_tests_and_comments(text: &str) -> String {
    let end = ["\nmod tests {", "\npub(crate) mod tests {"].iter().filter_map(|start| text.find(start)).min();
    let code = text[..end.unwrap_or(text.len())].lines().map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// Splits `pub use a::{b, c};` into what stands before `use`, and the tree.
fn use_of(statement: &str) -> Option<(&str, &str)> {
    let (place, _) = statement.match_indices("use ").find(|(place, _)| {
        let before = &statement[..*place];
        before.is_empty() || before.ends_with([' ', '\n'])
    })?;
    Some((&statement[..place], statement[place + 4..].trim_end_matches(';')))
}

/// Lists the paths of a `use` tree: `a::{b, c::{self, d as e}}` → `a::b`, `a::c`, `a::c::d`.
fn flatten(tree: &str, before: &[String], paths: &mut Vec<Module>) {
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return paths.push([before, &parts(path)].concat());
    };
    let head = [before, &parts(head)].concat();
    let group = &group[..group.rfind('}').unwrap_or(group.len())];
    let (mut depth, mut start) = (0, 0);
    for (place, letter) in group.char_indices().chain([(group.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[start..place].trim().is_empty() {
                    flatten(group[start..place].trim(), &head, paths);
                }
                start = place + 1;
            }
            _ => {}
        }
    }
}

/// Splits a path into its parts: `a::b::self` → `["a", "b"]`.
fn parts(path: &str) -> Module {
    let mut parts: Module =
        path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    parts.pop_if(|last| last == "self");
    parts
}

/// Returns the paths that code writes out, such as `crate::db::new_id()`.
fn inline_paths(code: &str) -> Vec<Module> {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':');
    let words = code.split(|letter| !is_part(letter)).map(|word| word.trim_matches(':'));
    let paths = words.filter(|word| word.contains("::"));
    let starts =
        |path: &&str| ["crate::", "super::", "self::", "waymark::"].iter().any(|start| path.starts_with(start));
    paths.filter(starts).map(|path| path.split("::").map(str::to_owned).collect()).collect()
}

fn allowed() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut allowed: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in MAY_IMPORT.lines() {
        match (line.split_once(':').filter(|_| !line.starts_with(' ')), allowed.last_mut()) {
            (Some((room, names)), _) => allowed.push((room, names.split_whitespace().collect())),
            (None, Some((_, more))) => more.extend(line.split_whitespace()),
            (None, None) => {}
        }
    }
    allowed
}

#[test]
fn imports_run_one_way() {
    assert_eq!(Source::read().wrong_imports(), [""; 0]);
}

#[test]
fn no_files_import_each_other() {
    assert_eq!(Source::read().circles(), [""; 0]);
}

#[test]
fn the_list_names_rooms_that_are_there_and_runs_one_way() {
    let source = Source::read();
    let rooms: BTreeSet<&str> = source.files.values().map(|file| room_of(file)).collect();
    let mut above = BTreeSet::new();
    for (room, names) in allowed() {
        assert!(rooms.contains(room), "there is no room {room}");
        for name in names {
            assert!(above.contains(name), "{room} may not import {name}, which stands further down");
        }
        above.insert(room);
    }
}

#[test]
fn a_wrong_import_and_a_circle_are_seen() {
    let file = |file: &str, text: &str| (file.to_owned(), text.to_owned());
    let source = Source::of(vec![
        file("db/mod.rs", "pub use self::writer::Writer;\nmod writer;"),
        file("db/writer.rs", "pub struct Writer;\n// use crate::admin;\n#[cfg(test)]\nmod tests { use crate::admin; }"),
        file("attribution/touch/mod.rs", "use crate::{db::Writer, id};\nuse std::fs;\nmod link;"),
        file(
            "attribution/touch/link.rs",
            "#[cfg(test)]\nmod tests;\nfn link() { crate::admin::page::show() }\nuse super::Touch;",
        ),
        file("id.rs", ""),
        file("admin/page.rs", "use super::layout::{self, Frame as F};"),
        file("admin/layout.rs", "use super::page;"),
    ]);
    assert_eq!(source.wrong_imports(), ["attribution/touch/link.rs imports admin/page.rs"]);
    assert_eq!(source.circles(), ["admin/layout.rs", "admin/page.rs"]);
    assert!(source.edges()[&"attribution/touch/mod.rs".to_owned()].contains(&"db/writer.rs".to_owned()));
}
