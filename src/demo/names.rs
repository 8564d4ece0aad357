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

/// Returns an address in lower case that is not in `taken`, and adds it to `taken`.
pub fn email(random: &mut Random, taken: &mut HashSet<String>) -> String {
    let (first, last, domain) = (random.pick(&FIRST), random.pick(&LAST), random.pick(&DOMAINS));
    let mut email = format!("{first}.{last}@{domain}");
    let mut number = 2;
    while !taken.insert(email.clone()) {
        email = format!("{first}.{last}{number}@{domain}");
        number += 1;
    }
    email
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_however_many_there_are() {
        let (mut random, mut taken) = (Random::new(1), HashSet::new());
        for _ in 0..40_000 {
            let email = email(&mut random, &mut taken);
            assert_eq!(crate::auth::user::parse_email(&email).as_deref(), Ok(&*email));
        }
        assert_eq!(taken.len(), 40_000);
    }
}
