use std::collections::HashSet;

use crate::random::Random;

#[rustfmt::skip]
const FIRST: [&str; 72] = [
    "ada", "aisha", "alex", "amelie", "ana", "andre", "anna", "ben", "bianca", "carlos", "chen", "chiara", "clara", "daniel",
    "david", "deniz", "diego", "elena", "elif", "emil", "emma", "erik", "fatima", "felix", "finn", "freya", "grace", "hana",
    "hugo", "ines", "isabel", "ivan", "jakob", "james", "jana", "jonas", "julia", "kai", "karim", "kofi", "lara", "leo", "lena",
    "liam", "lin", "lucas", "maria", "marta", "mateo", "maya", "mei", "mia", "milan", "nadia", "nina", "noah", "nora", "olga",
    "omar", "oscar", "paula", "priya", "rafael", "rosa", "sam", "sara", "sofia", "tariq", "theo", "tom", "yuki", "zoe",
];

#[rustfmt::skip]
const LAST: [&str; 72] = [
    "abebe", "adler", "ahmed", "almeida", "andersson", "baker", "bauer", "becker", "bianchi", "brandt", "brown", "carter", "castro",
    "chen", "costa", "dahl", "diaz", "dubois", "eriksen", "evans", "farah", "ferrari", "fischer", "fontaine", "garcia", "gomez",
    "haas", "hansen", "hoffmann", "ito", "ivanov", "jansen", "jones", "kaya", "keller", "khan", "kim", "kowalski", "laurent",
    "lee", "lopez", "maier", "martin", "mensah", "meyer", "moreau", "moreno", "murphy", "nakamura", "nguyen", "novak", "okafor",
    "olsen", "patel", "pereira", "petrov", "quinn", "reyes", "ricci", "romano", "santos", "sato", "schmidt", "silva", "singh",
    "smith", "suzuki", "tanaka", "torres", "walsh", "weber", "young",
];

/// Domains that RFC 2606 reserves: nobody receives mail there.
const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// Makes addresses in lower case that differ from each other and from those that are taken.
#[derive(Debug)]
pub struct Emails {
    /// The addresses of existing accounts. In a sample with a number of users, also the addresses that were made.
    taken: HashSet<String>,
    /// The number of the next user, where each address has a number.
    next: Option<u64>,
}

impl Emails {
    /// Makes the addresses of a small sample, and keeps them: `ada.lee@example.com`, and `ada.lee2@example.com` for the next one.
    pub fn kept(taken: HashSet<String>) -> Self {
        Self { taken, next: None }
    }

    /// Makes addresses with the numbers of their users, which differ without being kept: `ada.lee17@example.com`.
    pub fn numbered(taken: HashSet<String>) -> Self {
        Self { taken, next: Some(1) }
    }

    pub fn next(&mut self, random: &mut Random) -> String {
        let (first, last, domain) = (random.pick(&FIRST), random.pick(&LAST), random.pick(&DOMAINS));
        let with = |number: u64| format!("{first}.{last}{number}@{domain}");
        let Some(number) = self.next.as_mut() else {
            let (mut email, mut number) = (format!("{first}.{last}@{domain}"), 2);
            while !self.taken.insert(email.clone()) {
                email = with(number);
                number += 1;
            }
            return email;
        };
        loop {
            let email = with(*number);
            *number += 1;
            if !self.taken.contains(&email) {
                return email;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_however_many_there_are() {
        let taken = || (1..100).map(|number| format!("ada.lee{number}@example.com")).collect::<HashSet<_>>();
        for mut emails in [Emails::kept(taken()), Emails::numbered(taken())] {
            let (mut random, mut seen) = (Random::new(1), taken());
            for _ in 0..40_000 {
                let email = emails.next(&mut random);
                assert_eq!(crate::auth::user::parse_email(&email).as_deref(), Ok(&*email));
                assert!(seen.insert(email));
            }
        }
    }
}
