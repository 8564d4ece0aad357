//! Referrer spam: `data/spam.tsv` lists the hosts of an upstream, and `data/spam_own.tsv` ours.
//!
//! Spammers send requests with a referrer of their own, so that their site shows in reports. No visitor came from there.

use std::{collections::HashSet, sync::LazyLock};

use crate::attribution::tsv::rows;

static HOSTS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| hosts().collect());

/// Returns the hosts of both data files.
fn hosts() -> impl Iterator<Item = &'static str> {
    let upstream = rows(include_str!("data/spam.tsv")).flatten().map(|[host]| host);
    upstream.chain(own_hosts("spam"))
}

/// Returns the hosts of our own lines that say `what`: spam, or keep for a host that the upstream has wrongly.
fn own_hosts(what: &str) -> impl Iterator<Item = &'static str> {
    rows(include_str!("data/spam_own.tsv"))
        .flatten()
        .filter_map(move |[says, host, _reason]| (says == what).then_some(host))
}

/// Returns whether a host is a spammer's or below one: `semalt.semalt.com`. The host is in lower case.
pub(super) fn is_spam(host: &str) -> bool {
    std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, above)| above))
        .any(|suffix| HOSTS.contains(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{
        signal::referrer::Referrer,
        source::{PlatformKind, host_map::site, resolve_host},
        tsv::words,
    };

    #[test]
    fn each_of_our_lines_says_what_and_why() {
        for row in rows(include_str!("data/spam_own.tsv")) {
            let [says, host, why] = row.expect("three fields");
            assert!(["spam", "keep"].contains(&says) && !why.is_empty(), "{host}");
        }
    }

    #[test]
    fn no_platform_is_spam() {
        let mut wrong: Vec<_> = own_hosts("keep").filter(|host| is_spam(host)).collect();
        for kind in PlatformKind::ALL {
            for [name, _, hosts] in rows(kind.data()).flatten() {
                let spams = |pattern: &&str| is_spam(&pattern.trim_start_matches('.').replace('*', "com"));
                wrong.extend(words(hosts).filter(spams).map(|_| name));
            }
        }
        wrong.extend(hosts().filter(|host| resolve_host(host, "/").is_some()));
        assert!(wrong.is_empty(), "{wrong:?}");
    }

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
