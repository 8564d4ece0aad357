//! Referrer spam: `data/spam.tsv` lists the hosts.
//!
//! Spammers send requests with a referrer of their own, so that their site shows in reports. No visitor came from there.

use std::{collections::HashSet, sync::LazyLock};

static HOSTS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| hosts().collect());

/// Returns the hosts of the data file.
fn hosts() -> impl Iterator<Item = &'static str> {
    include_str!("data/spam.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns whether a host is a spammer's or below one: `semalt.semalt.com`. The host is in lower case.
pub(super) fn is_spam(host: &str) -> bool {
    std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, above)| above))
        .any(|suffix| HOSTS.contains(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{signal::referrer::Referrer, source::host_map::site};

    #[test]
    fn each_line_is_a_host_that_a_referrer_can_have() {
        let head = include_str!("data/spam.tsv").lines().take_while(|line| line.starts_with('#'));
        assert!(head.into_iter().any(|line| line.contains("Follows:")));
        let mut seen = HashSet::new();
        for host in hosts() {
            let referrer = Referrer::parse(&format!("https://{host}/")).expect(host);
            assert_eq!((referrer.host.as_str(), site(host)), (host, host));
            assert!(host.contains('.') && seen.insert(host), "{host}");
        }
    }

    #[test]
    fn hosts_below_a_spammers_are_spam_and_hosts_that_end_alike_are_not() {
        for host in ["semalt.com", "semalt.semalt.com", "www.semalt.com", "a.b.darodar.com"] {
            assert!(is_spam(host), "{host}");
        }
        for host in ["notsemalt.com", "semalt.com.example", "com", "", "example.com", "semalt"] {
            assert!(!is_spam(host), "{host}");
        }
    }
}
