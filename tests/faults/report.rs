//! The table of results.

use std::time::Duration;

use crate::ledger::Differences;

const HEAD: &str = "| fault | database | replicas | acknowledged | lost | doubled | wrong user | revived | others' longest wait \
    | time to recover | ok |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|";

/// What became of one fault.
#[derive(Debug, Default)]
pub struct Row {
    pub fault: String,
    pub database: &'static str,
    pub replicas: usize,
    pub differences: Differences,
    /// Cookies that were authenticated after their sign-out.
    pub revived: usize,
    pub longest_wait: Option<Duration>,
    pub recovery: Option<Duration>,
    /// What should hold and did not.
    pub failures: Vec<String>,
    /// What was measured.
    pub notes: Vec<String>,
    /// Why the fault could not be tried here.
    pub skipped: Option<String>,
}

impl Row {
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }

    pub fn fail(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }

    /// Adds a failure unless the condition holds.
    pub fn require(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fail(what());
        }
    }

    pub fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    fn line(&self) -> String {
        let Differences { acknowledged, lost, doubled, wrong_user } = self.differences;
        let (revived, ok) = (self.revived, if self.is_ok() { "yes" } else { "NO" });
        let (wait, recovery) = (time(self.longest_wait), time(self.recovery));
        let head = format!("| {} | {} | {} |", self.fault, self.database, self.replicas);
        match &self.skipped {
            Some(_) => format!("{head} – | – | – | – | – | – | – | skipped |"),
            None => format!(
                "{head} {acknowledged} | {lost} | {doubled} | {wrong_user} | {revived} | {wait} | {recovery} | {ok} |"
            ),
        }
    }

    /// Prints the failures and notes of this row.
    pub fn print_details(&self) {
        let name = format!("{} on {}, replicas: {}", self.fault, self.database, self.replicas);
        let state = match (&self.skipped, self.is_ok()) {
            (Some(why), _) => format!("skipped, because {why}"),
            (None, true) => "ok".to_owned(),
            (None, false) => "FAILED".to_owned(),
        };
        println!("{name}: {state}");
        self.failures.iter().for_each(|failure| println!("    failed: {failure}"));
        self.notes.iter().for_each(|note| println!("    {note}"));
    }
}

fn time(time: Option<Duration>) -> String {
    match time {
        Some(time) if time < Duration::from_secs(1) => format!("{} ms", time.as_millis()),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
        None => "–".to_owned(),
    }
}

/// Prints the table, and the line that `bin/test` reads. Returns whether all faults were survived.
pub fn print(rows: &[Row]) -> bool {
    let skipped = rows.iter().filter(|row| row.skipped.is_some()).count();
    let failed = rows.iter().filter(|row| !row.is_ok()).count();
    println!("\n{HEAD}");
    rows.iter().for_each(|row| println!("{}", row.line()));
    println!("\n{} passed, {failed} failed, {skipped} skipped", rows.len() - failed - skipped);
    failed == 0
}
