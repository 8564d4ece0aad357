//! The answer of an identity provider, which a visitor brings back from signing in.
//!
//! An answer is recognized by its parameters and not by the host that sent it: browsers send only the origin of the provider's
//! page, and every company can run a provider of its own.
//!
//! Sources of the names: OAuth 2.0 (RFC 6749, sections 4.1.2 and 4.2.2.1), OpenID Connect Core (section 3.2.2.5), OAuth 1.0
//! (RFC 5849, section 2.2), OpenID 2.0 (section 10), SAML 2.0 bindings (section 3.4), and the CAS protocol (section 3.1.1).

/// The parameters that an answer has together.
const ANSWERS: [&[&str]; 6] = [
    &["code", "state"],
    &["error", "state"],
    &["id_token"],
    &["SAMLResponse"],
    &["oauth_token", "oauth_verifier"],
    &["openid.mode"],
];

/// What a ticket of CAS begins with.
const CAS_TICKET: &str = "ST-";

/// Returns whether a query is the answer of an identity provider. A `code` alone is not an answer, because coupon sites send
/// codes too.
///
/// Examples: `code=3f1c&state=x` → true; `code=SAVE10` → false; `ticket=ST-1-x` → true; `ticket=42` → false.
pub fn is_sign_in_answer(query: &str) -> bool {
    let value = |name: &str| {
        let mut pairs = query.split(['&', '?']).filter_map(|pair| pair.split_once('='));
        pairs.find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| value)
    };
    ANSWERS.iter().any(|names| names.iter().all(|name| value(name).is_some()))
        || value("ticket").is_some_and(|ticket| ticket.starts_with(CAS_TICKET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_what_it_carries() {
        for query in [
            "code=3f1c&state=x",
            "a=b?code=3f1c&state=x",
            "a=b&state=x&iss=https%3A%2F%2Fsso.example&code=3f1c",
            "error=access_denied&error_description=no&state=x",
            "state=x&id_token=eyJ0",
            "SAMLResponse=fVLJ&RelayState=%2F",
            "oauth_token=a&oauth_verifier=b",
            "openid.ns=http%3A%2F%2Fspecs.openid.net%2Fauth%2F2.0&openid.mode=id_res",
            "ticket=ST-1856339-aA5Yuvrxzpv8Tau1cYQ7",
        ] {
            assert!(is_sign_in_answer(query), "{query}");
        }
        for query in [
            "",
            "code=SAVE10",
            "code=&state=x",
            "code&state",
            "state=CA",
            "error=404",
            "error=404&id=1",
            "oauth_token=a",
            "ticket=42",
            "ticket=st-1",
            "samlresponse=x",
            "barcode=1&state=x",
            "openid=mode",
        ] {
            assert!(!is_sign_in_answer(query), "{query}");
        }
    }
}
