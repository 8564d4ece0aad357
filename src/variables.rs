//! Reads environment variables and collects all mistakes, each with the name of its variable.
//!
//! A message repeats a value only if the value cannot be a secret. Secrets can also stand in files, as container managers mount
//! them: `MAIL_URL_FILE=/run/secrets/mail_url` names the file whose text is the value of `MAIL_URL`.

use std::time::Duration;

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub variable: &'static str,
    pub what: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.variable, self.what)
    }
}

/// Reads variables through a function, which tests replace, and collects the mistakes in their values.
pub struct Variables<'g> {
    get: &'g dyn Fn(&str) -> Option<String>,
    pub mistakes: Vec<Mistake>,
}

impl<'g> Variables<'g> {
    pub fn new(get: &'g dyn Fn(&str) -> Option<String>) -> Self {
        Self { get, mistakes: Vec::new() }
    }

    /// Returns the parsed value of a variable, or `None` if the variable is not set, empty or wrong.
    pub fn value<T>(&mut self, variable: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(variable).map_err(|what| self.mistakes.push(Mistake { variable, what })).ok()??;
        parse(&text).map_err(|what| self.mistakes.push(Mistake { variable, what })).ok()
    }

    /// Returns the text of a variable, or of the file that `…_FILE` names; `None` if it is empty.
    fn text(&self, variable: &str) -> Result<Option<String>, String> {
        let set = |name: &str| (self.get)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let (text, file) = (set(variable), set(&format!("{variable}_FILE")));
        match (text, file) {
            (Some(_), Some(_)) => Err(format!("is set twice: unset either {variable} or {variable}_FILE")),
            (text, None) => Ok(text),
            (None, Some(file)) => match std::fs::read_to_string(&file) {
                Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
                // Somebody may have put the secret where its file belongs, so the message does not repeat the path.
                Err(error) => Err(format!("cannot be read from the file that {variable}_FILE names: {error}")),
            },
        }
    }

    /// Returns the value that a word of `choices` stands for. Example: `exclude` → `false`, `include` → `true`.
    pub fn choice<T: Copy>(&mut self, variable: &'static str, choices: &[(&str, T)]) -> Option<T> {
        self.value(variable, |value| {
            let chosen = choices.iter().find(|(word, _)| *word == value);
            chosen.map(|(_, choice)| *choice).ok_or_else(|| format!("must be {}", one_of(choices)))
        })
    }
}

/// Joins the words of choices: `a, b or c`.
fn one_of<T>(choices: &[(&str, T)]) -> String {
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Reads values that are separated by commas.
pub fn list<T>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect()
}

/// Reads a whole number with its unit: `30m`, `12h`, `90d`, `4w`.
///
/// jiff's parser also reads `1d 12h`, `1.5h`, `P90D` and `-1d`. Refusing those would take as many lines as this function.
pub fn parse_duration(value: &str) -> Result<Duration, String> {
    let wrong = || format!("must be a whole number with a unit (s, m, h, d or w) like 90d, not {value:?}");
    let digits = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit = match &value[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    match number.checked_mul(unit) {
        Some(0) => Err("must be longer than zero".into()),
        // More than a hundred years is a typing mistake. The limit also keeps later sums of times from overflowing.
        Some(seconds) if seconds <= 3_155_760_000 => Ok(Duration::from_secs(seconds)),
        _ => Err("is longer than a hundred years".into()),
    }
}

/// Reads how long something is kept. `90d` → 90 days; `never` → `None`.
pub fn parse_retention(value: &str) -> Result<Option<Duration>, String> {
    if value == "never" { Ok(None) } else { parse_duration(value).map(Some) }
}

/// Returns a duration of whole days.
pub const fn days(number: u64) -> Duration {
    Duration::from_secs(number * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("30m"), Ok(Duration::from_secs(1_800)));
        assert_eq!(parse_duration("4w"), Ok(Duration::from_secs(4 * 604_800)));
        for wrong in ["", "90", "d", "0d", "-1d", "1.5h", "9x", "99999999999999999999d", "9é", "1d1"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_may_stand_in_a_file() {
        let file = std::env::temp_dir().join(format!("waymark-secret-{}", std::process::id()));
        std::fs::write(&file, "smtp://me:secret@mail.example.com\n").expect("a file");
        let path = file.display().to_string();
        let read = |pairs: &[(&str, &str)]| {
            let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let mut variables = Variables::new(&get);
            let value = variables.value("MAIL_URL", |text| Ok(text.to_owned()));
            (value, variables.mistakes.iter().map(ToString::to_string).collect::<String>())
        };
        let from_file = (Some("smtp://me:secret@mail.example.com".to_owned()), String::new());
        assert_eq!(read(&[("MAIL_URL_FILE", &path)]), from_file);
        assert_eq!(read(&[("MAIL_URL", ""), ("MAIL_URL_FILE", &path)]), from_file);
        assert_eq!(read(&[("MAIL_URL", "a"), ("MAIL_URL_FILE", "")]), (Some("a".to_owned()), String::new()));
        let (value, mistake) = read(&[("MAIL_URL", "a"), ("MAIL_URL_FILE", &path)]);
        assert!(value.is_none() && mistake.contains("is set twice"), "{mistake}");
        let (value, mistake) = read(&[("MAIL_URL_FILE", "/nowhere/mail")]);
        assert!(
            value.is_none() && mistake.starts_with("MAIL_URL cannot be read") && !mistake.contains("/nowhere"),
            "{mistake}"
        );
        std::fs::remove_file(file).expect("removed");
    }

    #[test]
    fn a_choice_names_all_words() {
        let mut variables = Variables::new(&|name| (!name.ends_with("_FILE")).then(|| "maybe".to_owned()));
        assert_eq!(variables.choice("GPC", &[("no_click_ids", 1), ("no_capture", 2), ("ignore", 3)]), None);
        assert_eq!(variables.choice("CONSENT", &[("implied", 1), ("required", 2)]), None);
        let told: Vec<String> = variables.mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["GPC must be no_click_ids, no_capture or ignore", "CONSENT must be implied or required"]);
    }
}
