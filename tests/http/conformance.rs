//! The cases of `tests/conformance`, against a server for each combination of settings that the files ask for.

use std::{collections::BTreeMap, time::Instant};

use waymark::db::Dialect;

use crate::{
    runner::{self, admin::Admin, browser::Site, file::CaseFile},
    support::{ADMIN, PASSWORD, Setup, TestApp},
};

/// `CONFORMANCE=text` runs only the cases whose name or file name contains the text.
const ONLY: &str = "CONFORMANCE";

#[tokio::test(flavor = "multi_thread")]
async fn every_case_holds() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let files = CaseFile::read_all(&runner::folder()).unwrap_or_else(|why| panic!("{why}"));
    let mut groups: BTreeMap<BTreeMap<String, String>, Vec<CaseFile>> = BTreeMap::new();
    for file in files.into_iter().map(|file| file.only(&only)).filter(|file| !file.cases.is_empty()) {
        groups.entry(file.settings.clone()).or_default().push(file);
    }
    assert!(!groups.is_empty(), "no case is called {only}");
    let mut failed = Vec::new();
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for (settings, files) in &groups {
            let since = Instant::now();
            failed.extend(run(dialect, settings, files).await.iter().map(|case| format!("on {dialect:?}: {case}")));
            let cases: usize = files.iter().map(|file| file.cases.len()).sum();
            eprintln!("{cases} cases with {settings:?} on {dialect:?} in {:.1?}", since.elapsed());
        }
    }
    assert!(failed.is_empty(), "{} cases do not hold\n\n{}\n", failed.len(), failed.join("\n\n"));
}

async fn run(dialect: Dialect, settings: &BTreeMap<String, String>, files: &[CaseFile]) -> Vec<String> {
    let limits = [("TRUSTED_PROXIES", "127.0.0.1/32"), ("SIGN_UPS_PER_HOUR", "unlimited")];
    let limits = limits.map(|(name, value)| (name, value.to_owned()));
    let settings_of_files = settings.iter().map(|(name, value)| (name.clone().leak() as &str, value.clone()));
    let setup = Setup { variables: limits.into_iter().chain(settings_of_files).collect(), ..Setup::default() };
    let app = TestApp::spawn(dialect, setup).await;
    app.make_admin().await;
    let site = Site::new(&app.url, settings.get("SITE_URL").map(String::as_str)).expect("a client");
    let admin = Admin::sign_in(&site, ADMIN, PASSWORD).await.expect("an admin");
    let failed = runner::run(&site, &admin, &files.iter().collect::<Vec<_>>()).await.expect("leads.csv");
    app.remove().await;
    failed
}
