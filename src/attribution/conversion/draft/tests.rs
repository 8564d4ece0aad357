use proptest::prelude::*;

use super::*;
use crate::timestamp::MILLISECOND;

/// 2026-11-23T15:30:00Z
const NOW: Timestamp = Timestamp::from_millis(1_795_447_800_000);

fn purchase(user: UserId, external_id: &str) -> Draft<'_> {
    Draft {
        user: Some(user),
        kind: Some("purchase"),
        value: Minor(4900),
        currency: Some("EUR"),
        source: "checkout",
        external_id,
        ..Draft::default()
    }
}

fn refund<'a>(of: &'a str, external_id: &'a str, value: i64) -> Draft<'a> {
    Draft { value: Minor(value), source: "checkout", external_id, refunds: Some(of), ..Draft::default() }
}

#[test]
fn all_mistakes_of_a_report_are_told_together() {
    let nothing = NewConversion::parse(Draft::default(), NOW).expect_err("nothing is said");
    let named: Vec<&str> = nothing.iter().map(|mistake| mistake.field).collect();
    assert_eq!(named, ["user", "kind", "source", "external_id"]);
    let all = Draft {
        user: None,
        kind: Some("a b"),
        value: Minor(-1),
        currency: Some("EURO"),
        occurred_at: Some(NOW + 300_001 * MILLISECOND),
        source: "\0",
        external_id: " x",
        ..Draft::default()
    };
    let mistakes = NewConversion::parse(all, NOW).expect_err("all is wrong");
    let named: Vec<&str> = mistakes.iter().map(|mistake| mistake.field).collect();
    assert_eq!(named, ["user", "kind", "value", "currency", "occurred_at", "source", "external_id"]);
    assert!(mistakes.iter().all(|mistake| mistake.message.ends_with('.')), "{mistakes:?}");
}

#[test]
fn the_limits_are_where_they_are_said_to_be() {
    let user = UserId::NIL;
    let accepted = |draft: Draft<'_>| match NewConversion::parse(draft, NOW) {
        Ok(_) => None,
        Err(mistakes) => {
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            Some(mistakes[0].field)
        }
    };
    let fine = purchase(user, "o-1");
    let (long, longer, kind, long_kind) = ("é".repeat(255), "é".repeat(256), "k".repeat(64), "k".repeat(65));
    let own_in_capitals = OWN_SOURCE.to_ascii_uppercase();
    for (expected, draft) in [
        (None, Draft { value: MAX_VALUE, ..fine }),
        (Some("value"), Draft { value: MAX_VALUE + Minor(1), ..fine }),
        (Some("value"), Draft { value: Minor(i64::MAX), ..fine }),
        (Some("value"), Draft { value: Minor(i64::MIN), ..refund("o", "r", 0) }),
        (Some("value"), refund("o", "r", 0)),
        (Some("value"), refund("o", "r", 1)),
        (Some("value"), Draft { value: Minor(-1), ..fine }),
        (None, refund("o", "r", -MAX_VALUE.0)),
        (Some("value"), refund("o", "r", -MAX_VALUE.0 - 1)),
        (Some("refunds"), Draft { refund_of: Some(ConversionId::NIL), ..refund("o", "r", -1) }),
        (Some("currency"), Draft { currency: None, ..fine }),
        (Some("currency"), Draft { currency: Some(""), ..fine }),
        (None, Draft { currency: None, value: Minor::ZERO, ..fine }),
        (None, Draft { value: Minor::ZERO, ..fine }),
        (None, Draft { occurred_at: Some(NOW + 300_000 * MILLISECOND), ..fine }),
        (Some("occurred_at"), Draft { occurred_at: Some(NOW + 300_001 * MILLISECOND), ..fine }),
        (None, Draft { occurred_at: Some(Timestamp::from_millis(946_684_800_000)), ..fine }),
        (Some("occurred_at"), Draft { occurred_at: Some(Timestamp::from_millis(946_684_799_999)), ..fine }),
        (Some("occurred_at"), Draft { occurred_at: Some(Timestamp::MAX), ..fine }),
        (None, Draft { kind: Some(&kind), ..fine }),
        (Some("kind"), Draft { kind: Some(&long_kind), ..fine }),
        (None, Draft { kind: Some("Trial_2-b"), ..fine }),
        (Some("kind"), Draft { kind: Some(""), ..fine }),
        (Some("kind"), Draft { kind: Some("käuf"), ..fine }),
        (Some("kind"), Draft { kind: Some("Signup"), ..fine }),
        (None, Draft { external_id: &long, source: &long, ..fine }),
        (Some("external_id"), Draft { external_id: &longer, ..fine }),
        (Some("source"), Draft { source: &longer, ..fine }),
        (Some("source"), Draft { source: "waymark", ..fine }),
        (Some("source"), Draft { source: &own_in_capitals, ..fine }),
        (None, Draft { source: "waymarks", ..fine }),
        (None, Draft { external_id: "waymark", ..fine }),
        (Some("external_id"), Draft { external_id: "erased:abc", ..fine }),
        (Some("external_id"), Draft { external_id: "a\u{202e}b", ..fine }),
        (Some("external_id"), Draft { external_id: "a\nb", ..fine }),
        (Some("external_id"), Draft { external_id: "a\0b", ..fine }),
        (Some("refunds"), refund("a\0b", "r", -1)),
    ] {
        assert_eq!(accepted(draft), expected, "{draft:?}");
    }
}

proptest! {
    #[test]
    fn what_is_accepted_fits_the_schema(
        user in any::<Option<u128>>(), kind in any::<Option<String>>(), value in any::<i64>(), small in -3..3_i64,
        currency in proptest::option::of("[A-Za-z]{2,4}"), source in ".{0,20}", external_id in ".{0,20}",
        refunds in proptest::option::of(".{0,5}"), is_small in any::<bool>(), plain in any::<bool>(),
    ) {
        let kind = if plain { Some("demo".to_owned()) } else { kind };
        let draft = Draft {
            user: user.map(|id| uuid::Uuid::from_u128(id).into()),
            kind: kind.as_deref(),
            value: Minor(if is_small { small } else { value }),
            currency: currency.as_deref(),
            source: &source,
            external_id: &external_id,
            refunds: refunds.as_deref(),
            ..Draft::default()
        };
        match NewConversion::parse(draft, NOW) {
            Ok(new) => {
                let is_refund = matches!(new.subject, Subject::Refund { .. });
                prop_assert_eq!(new.value < Minor::ZERO, is_refund);
                prop_assert!(new.value <= Minor::ZERO || new.currency.is_some());
                prop_assert!(!new.source.as_str().contains('\0') && !new.external_id.as_str().is_empty());
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                let fields: std::collections::HashSet<_> = mistakes.iter().map(|mistake| mistake.field).collect();
                prop_assert_eq!(fields.len(), mistakes.len(), "one mistake a field");
            }
        }
    }
}
