//! The body of a report: a JSON object, read field by field, so that the reporter learns of all errors at once.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::{Number, Value};

use crate::{
    attribution::conversion::{Currency, FieldMistake, Minor},
    id::UserId,
    timestamp::Timestamp,
};

/// What is wrong with one field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::server) struct FieldError {
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub(super) fn new(field: &str, message: &str) -> Self {
        Self { field: field.to_owned(), message: message.to_owned() }
    }

    /// Returns a mistake by the name that the field has in the body: `user` → `user_email`.
    pub(super) fn of(mistake: FieldMistake, names: FieldNames) -> Self {
        let field = match mistake.field {
            "user" => names.user,
            "value" => names.value,
            field => field,
        };
        Self { field: field.to_owned(), message: mistake.message }
    }
}

/// The fields by which a body names what can be said in two ways.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldNames {
    /// `user_email` or `user_id`.
    pub user: &'static str,
    /// `value` or `stripe_amount`.
    pub value: &'static str,
}

/// The fields of a body that have the right types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ConversionReport {
    pub user: Option<ReportedUser>,
    pub kind: Option<String>,
    pub value: Option<Minor>,
    pub currency: Option<String>,
    pub external_id: Option<String>,
    pub source: Option<String>,
    pub occurred_at: Option<Timestamp>,
    pub refunds: Option<String>,
    /// The `amount` of an object of Stripe. [`read`] turns the amount into the value.
    stripe_amount: Option<i64>,
    /// Whether the body names the user by `user_id`, even with a text that is not an id.
    by_id: bool,
}

/// How a body names the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReportedUser {
    Id(UserId),
    Email(String),
}

impl ConversionReport {
    pub(super) fn names(&self) -> FieldNames {
        FieldNames {
            user: if self.by_id { "user_id" } else { "user_email" },
            value: if self.stripe_amount.is_some() { "stripe_amount" } else { "value" },
        }
    }

    /// Turns an amount of Stripe into the value, negative for a refund. Errors: the field that is wrong, and why.
    fn take_stripe_amount(&mut self) -> Result<(), FieldError> {
        let Some(amount) = self.stripe_amount else { return Ok(()) };
        let amount_error = |why: &str| FieldError::new("stripe_amount", why);
        if amount < 0 {
            return Err(amount_error("Send the amount as Stripe has it. It is not negative, also in a refund."));
        }
        let is_refund = self.refunds.is_some();
        let signed = |value: Minor| if is_refund { -value } else { value };
        // If the currency is wrong, the other checks see the amount in its place.
        self.value = Some(signed(Minor(amount)));
        let Some(currency) = self.currency.as_deref() else {
            return Err(FieldError::new("currency", "An amount of Stripe needs its currency."));
        };
        let Some(currency) = Currency::parse(currency) else { return Ok(()) };
        let value = Minor::from_stripe(amount, currency).map_err(|error| amount_error(&error.to_string()))?;
        self.value = Some(signed(value));
        Ok(())
    }

    /// Adds mistakes to `errors`, but not for a field that has an error already. Such a field could not be read, so a default was
    /// checked in its place.
    pub(super) fn add_mistakes(&self, errors: &mut Vec<FieldError>, mistakes: Vec<FieldMistake>) {
        for error in mistakes.into_iter().map(|mistake| FieldError::of(mistake, self.names())) {
            if errors.iter().all(|known| known.field != error.field) {
                errors.push(error);
            }
        }
    }

    /// Takes one field over, or returns what is wrong with it.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), &'static str> {
        match name {
            "user_email" => {
                let email = ReportedUser::Email(text(value)?);
                self.user.get_or_insert(email);
            }
            "user_id" => {
                let id = text(value)?.parse().map_err(|_| "This is not a user's id, which is a UUID.")?;
                self.user.get_or_insert(ReportedUser::Id(id));
            }
            "kind" => self.kind = Some(text(value)?),
            "value" => self.value = Some(minor_units(value)?),
            "stripe_amount" => self.stripe_amount = Some(minor_units(value)?.0),
            "currency" => self.currency = Some(text(value)?),
            "external_id" => self.external_id = Some(text(value)?),
            "source" => self.source = Some(text(value)?),
            "occurred_at" => self.occurred_at = Some(time(value)?),
            "refunds" => self.refunds = Some(text(value)?),
            _ => return Err("There is no such field."),
        }
        Ok(())
    }
}

/// Reads a body. Returns the report with the errors of single fields, each field named once; or an error if the body is not a
/// JSON object.
pub(super) fn read(body: &[u8]) -> Result<(ConversionReport, Vec<FieldError>), serde_json::Error> {
    let Fields(fields) = serde_json::from_slice(body)?;
    let mut report = ConversionReport::default();
    let mut errors: Vec<FieldError> = Vec::new();
    for (at, (name, value)) in fields.iter().enumerate() {
        if errors.iter().any(|error| error.field == *name) {
            continue;
        }
        if fields[..at].iter().any(|(other, _)| other == name) {
            errors.push(FieldError::new(name, "This is given twice."));
            continue;
        }
        // Many programs write null for a field that they leave out.
        if !value.is_null()
            && let Err(why) = report.set(name, value)
        {
            errors.push(FieldError::new(name, why));
        }
    }
    let given = |name: &str| fields.iter().any(|(other, value)| other == name && !value.is_null());
    report.by_id = given("user_id") && !given("user_email");
    if given("user_id") && given("user_email") {
        errors.retain(|error| error.field != "user_id");
        errors.push(FieldError::new("user_id", "Name the user by user_email or by user_id, not by both."));
    }
    if given("value") && given("stripe_amount") {
        errors.retain(|error| error.field != "stripe_amount");
        errors.push(FieldError::new("stripe_amount", "Send value or stripe_amount, not both."));
    } else if let Err(error) = report.take_stripe_amount()
        && errors.iter().all(|known| known.field != error.field)
    {
        errors.push(error);
    }
    // A report without money needs no value. With a currency or a refund, a forgotten value must not count as 0.
    if !given("value") && !given("stripe_amount") && (given("currency") || given("refunds")) {
        errors.push(FieldError::new("value", "This is missing."));
    }
    Ok((report, errors))
}

fn text(value: &Value) -> Result<String, &'static str> {
    value.as_str().map(str::to_owned).ok_or("This must be text, in quotes.")
}

fn minor_units(value: &Value) -> Result<Minor, &'static str> {
    match value {
        Value::Number(number) => number.as_i64().map(Minor).ok_or(match Number::is_f64(number) {
            true => "This must be a whole number in minor units, without a point: 4900 for 49.00.",
            false => "This number is too large.",
        }),
        Value::String(_) => Err("This must be a number in minor units, without quotes: 4900 for 49.00."),
        _ => Err("This must be a whole number in minor units: 4900 for 49.00."),
    }
}

fn time(value: &Value) -> Result<Timestamp, &'static str> {
    const FORM: &str = "This must be a time with its offset (RFC 3339), like 2026-11-23T15:30:00Z.";
    // A time zone's name behind the offset belongs to another format.
    let text = value.as_str().filter(|text| !text.contains('[')).ok_or(FORM)?;
    text.parse::<jiff::Timestamp>().map(Timestamp::from).map_err(|_| FORM)
}

/// The fields of an object in their order. A field that is given twice is there twice.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(body: &str) -> Vec<(String, String)> {
        let (_, errors) = read(body.as_bytes()).expect("an object");
        errors.into_iter().map(|error| (error.field, error.message)).collect()
    }

    #[test]
    fn a_whole_report_is_read() {
        let body = r#"{"user_email":"a@b.c","kind":"purchase","value":4900,"currency":"EUR","external_id":"o-1",
            "source":"checkout","occurred_at":"2026-11-23T16:30:00.5+01:00","refunds":null}"#;
        let (report, errors) = read(body.as_bytes()).expect("an object");
        assert_eq!(errors, []);
        let expected = ConversionReport {
            user: Some(ReportedUser::Email("a@b.c".into())),
            kind: Some("purchase".into()),
            value: Some(Minor(4900)),
            currency: Some("EUR".into()),
            external_id: Some("o-1".into()),
            source: Some("checkout".into()),
            // 2026-11-23T15:30:00.500Z
            occurred_at: Some(Timestamp::from_millis(1_795_447_800_500)),
            refunds: None,
            stripe_amount: None,
            by_id: false,
        };
        assert_eq!(report, expected);
    }

    #[test]
    fn what_is_no_object_is_told_with_its_place() {
        for (body, place) in [
            ("", "line 1 column 0"),
            ("[]", "line 1 column 0"),
            ("\"a\"", "line 1 column 3"),
            ("{\n  \"kind\": purchase }", "line 2 column 11"),
            ("{} {}", "line 1 column 4"),
            ("{\"kind\": \"\u{1}\"}", "line 1 column 11"),
            ("{\"kind\": \"\\ud800\"}", "line 1 column"),
            (&"[".repeat(10_000), "line 1 column"),
        ] {
            let error = read(body.as_bytes()).expect_err(body).to_string();
            assert!(error.contains(place), "{body}: {error}");
        }
        assert!(read(b"{\"kind\": \"\xff\"}").is_err());
    }

    #[test]
    fn a_value_is_a_whole_number() {
        for (value, expected) in [
            ("49.0", "without a point"),
            ("49.5", "without a point"),
            ("4.9e3", "without a point"),
            ("\"4900\"", "without quotes"),
            ("true", "whole number"),
            ("[4900]", "whole number"),
            ("9223372036854775808", "too large"),
        ] {
            let errors = errors(&format!(r#"{{"value":{value}}}"#));
            assert_eq!((errors.len(), errors[0].0.as_str()), (1, "value"), "{value}");
            assert!(errors[0].1.contains(expected), "{value}: {}", errors[0].1);
        }
    }

    #[test]
    fn an_amount_of_stripe_becomes_the_value() {
        let value = |body: &str| read(body.as_bytes()).expect("an object").0.value;
        assert_eq!(value(r#"{"stripe_amount":4900,"currency":"eur"}"#), Some(Minor(4900)));
        assert_eq!(value(r#"{"currency":"isk","stripe_amount":500}"#), Some(Minor(5)));
        assert_eq!(value(r#"{"stripe_amount":500,"currency":"isk","refunds":"ch_1"}"#), Some(Minor(-5)));
        for (body, field) in [
            (r#"{"stripe_amount":150,"currency":"isk"}"#, "stripe_amount"),
            (r#"{"stripe_amount":-500,"currency":"isk","refunds":"ch_1"}"#, "stripe_amount"),
            (r#"{"stripe_amount":1.5,"currency":"eur"}"#, "stripe_amount"),
            (r#"{"stripe_amount":500,"value":5,"currency":"isk"}"#, "stripe_amount"),
            (r#"{"stripe_amount":500,"refunds":"ch_1"}"#, "currency"),
            (r#"{"stripe_amount":500,"currency":7}"#, "currency"),
        ] {
            let found = errors(body);
            assert_eq!((found.len(), found[0].0.as_str()), (1, field), "{body} {found:?}");
        }
    }

    #[test]
    fn every_field_that_is_wrong_is_named_once() {
        let found = errors(
            r#"{"user_id":"x","kind":1,"value":"1","currency":["EUR"],"external_id":{},"source":false,"occurred_at":5,
            "refunds":1,"amount":5,"Kind":"a","kind":"a","kind":2}"#,
        );
        let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        let expected = [
            "user_id",
            "kind",
            "value",
            "currency",
            "external_id",
            "source",
            "occurred_at",
            "refunds",
            "amount",
            "Kind",
        ];
        assert_eq!(fields, expected);
        assert_eq!(errors(r#"{"kind":"a","kind":"a"}"#), [("kind".into(), "This is given twice.".into())]);
        assert_eq!(errors(r#"{"user_email":"a","user_id":"x"}"#).len(), 1);
        assert_eq!(errors(r#"{"currency":"EUR"}"#), [("value".into(), "This is missing.".into())]);
    }

    #[test]
    fn times_need_their_offset() {
        for time in ["2026-11-23T15:30:00Z", "2026-11-23t15:30:00z", "2026-11-23T15:30:00.123456789-05:00"] {
            assert_eq!(errors(&format!(r#"{{"occurred_at":"{time}"}}"#)), [], "{time}");
        }
        for time in [
            "",
            "2026-11-23",
            "2026-11-23T15:30:00",
            "15:30:00Z",
            "1795447800",
            "2026-02-30T00:00:00Z",
            "yesterday",
            "2026-11-23T15:30:00+01:00[Europe/Berlin]",
        ] {
            assert_eq!(errors(&format!(r#"{{"occurred_at":"{time}"}}"#)).len(), 1, "{time}");
        }
    }
}
