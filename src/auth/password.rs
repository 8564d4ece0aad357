//! Passwords: which are accepted, and how they are hashed.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};

/// Shortest and longest password, in characters (Unicode scalar values). The texts below say the numbers, and a test compares.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;
const TOO_SHORT: &str = "Use at least 8 characters.";
const TOO_LONG: &str = "Use at most 128 characters.";
/// The hint below a field for a new password.
pub const LENGTH_HINT: &str = "At least 8 characters.";
/// The hint for somebody who has no password yet, or lost it.
pub const NEW_PASSWORD_HINT: &str = "At least 8 characters. A few unusual words make a good password.";

/// How many characters of a new password are judged. zxcvbn's time grows faster than the text: a crafted text of 100 characters
/// takes a quarter of a second. A password whose beginning is hard to guess is hard to guess.
const JUDGED_CHARS: usize = 40;

/// Returns Argon2id with 19 MiB, two passes and one lane, as OWASP's Password Storage Cheat Sheet asks for.
fn argon2() -> Argon2<'static> {
    const PARAMS: Params = match Params::new(19_456, 2, 1, None) {
        Ok(params) => params,
        Err(_) => panic!("these parameters are within Argon2's bounds"),
    };
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

/// A hash that belongs to no account. Passwords for unknown addresses are checked against this hash, so that a check takes as
/// long as for a known address.
static NO_ACCOUNT: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Another password, or an unknown address.
    Wrong,
    /// The account's password.
    Right,
    /// Right, but hashed with weaker parameters than today's.
    RightButWeak,
}

/// Makes the hash for unknown addresses, so that the first check does not take longer than others.
pub(super) fn prepare() {
    LazyLock::force(&NO_ACCOUNT);
}

pub(super) fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let salt = SaltString::generate(&mut OsRng);
    Ok(argon2().hash_password(password.as_bytes(), &salt)?.to_string())
}

/// Checks a password against an account's hash, or against no account's.
pub(super) fn check(password: &str, hash: Option<&str>) -> Check {
    let check = check_hash(password, hash.unwrap_or(&NO_ACCOUNT));
    if hash.is_some() { check } else { Check::Wrong }
}

fn check_hash(password: &str, hash: &str) -> Check {
    // Sample, imported and erased users have a text that is no hash. No password fits it, and the check takes as long.
    let (hash, usable) = match PasswordHash::new(hash) {
        Ok(hash) => (Ok(hash), true),
        Err(_) => (PasswordHash::new(&NO_ACCOUNT), false),
    };
    let Ok(hash) = hash else { return Check::Wrong };
    // The check uses the parameters that the hash names, not ours.
    if argon2().verify_password(password.as_bytes(), &hash).is_err() || !usable {
        return Check::Wrong;
    }
    let ours = argon2();
    let weak = hash.algorithm != argon2::ARGON2ID_IDENT
        || Params::try_from(&hash).map_or(true, |theirs| {
            theirs.m_cost() < ours.params().m_cost() || theirs.t_cost() < ours.params().t_cost()
        });
    if weak { Check::RightButWeak } else { Check::Right }
}

/// Returns whether an account can have this password. A longer text is not hashed.
pub(super) fn may_exist(password: &str) -> bool {
    password.chars().nth(*LENGTH.end()).is_none()
}

/// Returns why a new password's length is not accepted, in words for the user.
pub fn accept_length(password: &str) -> Result<(), &'static str> {
    match password.chars().take(LENGTH.end() + 1).count() {
        0 => Err("Choose a password."),
        length if length < *LENGTH.start() => Err(TOO_SHORT),
        length if length > *LENGTH.end() => Err(TOO_LONG),
        _ => Ok(()),
    }
}

/// Returns why a new password is not accepted, in words for the user. A password counts as typed: it is not trimmed, not cut,
/// and there is no rule about kinds of characters.
///
/// This takes many milliseconds. Requests call [`Hasher::hash_new`](super::hasher::Hasher::hash_new), which runs this function
/// where requests do not wait.
pub(super) fn accept(password: &str, email: &str) -> Result<(), &'static str> {
    accept_length(password)?;
    let end = password.char_indices().nth(JUDGED_CHARS).map_or(password.len(), |(end, _)| end);
    // A guesser tries common passwords first, then words around the account, each also with a digit or a year after it. zxcvbn
    // counts 10,000 guesses for any such second part.
    let local = email.split('@').next().unwrap_or_default();
    let guesses = zxcvbn::zxcvbn(&password[..end], &["waymark", email, local]).guesses();
    if guesses < 100_000 {
        return Err("This password is easy to guess. A few unusual words make a good one.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_and_obvious_passwords_are_refused() {
        for wrong in
            ["", "short", "password123", "12345678", "iloveyou", "waymark1", "maria@example.com", &"x".repeat(129)]
        {
            assert!(accept(wrong, "maria@example.com").is_err(), "{wrong}");
        }
        for fine in
            ["correct horse battery", "  spaces count  ", "tr0ub4dor&3", &"long enough ".repeat(10), "пароль-из-слов"]
        {
            assert_eq!(accept(fine, "maria@example.com"), Ok(()), "{fine}");
        }
    }

    #[test]
    fn texts_say_the_lengths() {
        for (text, length) in [
            (TOO_SHORT, LENGTH.start()),
            (LENGTH_HINT, LENGTH.start()),
            (NEW_PASSWORD_HINT, LENGTH.start()),
            (TOO_LONG, LENGTH.end()),
        ] {
            assert!(text.contains(&format!(" {length} ")), "{text}");
        }
    }

    #[test]
    fn lengths_are_in_characters() {
        for (password, fine) in [
            ("жзик", false),
            ("жзиклмно", true),
            (&*"x".repeat(7), false),
            (&*"x".repeat(128), true),
            (&*"x".repeat(129), false),
            (&*"ж".repeat(128), true),
            (&*"ж".repeat(129), false),
            (&*"\u{1f98a}".repeat(64), true),
        ] {
            assert_eq!(accept_length(password).is_ok(), fine, "{password}");
        }
        assert!(may_exist(&"ж".repeat(128)) && !may_exist(&"x".repeat(129)));
    }

    #[test]
    fn a_weak_hash_is_known_as_such() {
        let weak =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).expect("parameters"));
        let salt = SaltString::generate(&mut OsRng);
        let hash = weak.hash_password(b"correct horse", &salt).expect("a hash").to_string();
        assert_eq!(check("correct horse", Some(&hash)), Check::RightButWeak);
        assert_eq!(check("wrong horse", Some(&hash)), Check::Wrong);
    }

    #[test]
    fn what_is_no_hash_fits_no_password() {
        for password in ["", "!", "nobody has this password"] {
            assert_eq!(check(password, Some("!")), Check::Wrong, "{password:?}");
        }
    }
}
