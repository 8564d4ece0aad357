//! Reads the case files of `tests/conformance`, acts them out against a server over HTTP, and compares `leads.csv` with what the
//! files say. `bin/test http` runs the files against servers of its own, `bin/conformance` against any server.
//!
//! # Layout
//!
//! - [`file`]: the format of the files
//! - [`browser`]: the browsers of a case, with their cookies and tabs
//! - [`play`]: acts out one case
//! - [`admin`]: what an admin sees: `leads.csv` and the inspector
//! - [`verdict`]: compares what a case says with what an admin sees

pub mod admin;
pub mod browser;
pub mod file;
pub mod play;
pub mod verdict;

use std::path::PathBuf;

use futures::{StreamExt, stream};

use self::{
    admin::Admin,
    browser::Site,
    file::{Case, CaseFile},
    play::{Played, play},
};

/// How many cases are acted out at once.
const AT_ONCE: usize = 8;

/// Returns the folder of the case files.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// Acts out the cases of some files that ask for the same settings. Returns a text for each case that does not hold.
pub async fn run(site: &Site, admin: &Admin, files: &[&CaseFile]) -> Result<Vec<String>, String> {
    let cases: Vec<(&CaseFile, &Case)> =
        files.iter().flat_map(|file| file.cases.iter().map(|case| (*file, case))).collect();
    let played: Vec<Result<Played, String>> =
        stream::iter(&cases).map(|(_, case)| play(site, case)).buffered(AT_ONCE).collect().await;
    let leads = admin.leads(site).await?;
    let inspected: Vec<Vec<String>> =
        stream::iter(&cases).map(|(_, case)| admin.inspect(site, case)).buffered(AT_ONCE).collect().await;
    let mut failed = Vec::new();
    for (((file, case), played), mut mistakes) in cases.into_iter().zip(played).zip(inspected) {
        match played {
            Ok(played) => mistakes.splice(0..0, verdict::mistakes(case, &played, &leads)).for_each(drop),
            Err(why) => mistakes.insert(0, why),
        }
        if !mistakes.is_empty() {
            failed.push(format!(
                "{}: {}\n    see: {}\n    {}",
                file.name,
                case.name,
                case.see,
                mistakes.join("\n    ")
            ));
        }
    }
    Ok(failed)
}
