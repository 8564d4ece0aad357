use openidconnect::ClientSecret;

use super::Provider;
use crate::variables::{Mistake, Variables};

/// What the owner got from a provider when registering the site there.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    pub provider: Provider,
    /// `OAUTH_…_ID`.
    pub client_id: String,
    /// `OAUTH_…_SECRET`. No log shows it.
    pub secret: ClientSecret,
    /// `OAUTH_…_BASE`: the provider's origin, without a slash at the end. For GitHub another one is a GitHub Enterprise Server, for
    /// Google any issuer that speaks OpenID Connect.
    pub base: String,
}

impl ProviderSettings {
    /// Returns whether an answer that names this issuer can be the provider's. A code that another provider made must not be
    /// exchanged at this one.
    pub(super) fn may_be_issuer(&self, issuer: &str) -> bool {
        match self.provider {
            // GitHub is known by its address here, and not by an issuer.
            Provider::GitHub => true,
            Provider::Google => issuer.trim_end_matches('/') == self.base,
        }
    }
}

/// The variables of a provider: id, secret, base, and the base's default.
const fn variables_of(provider: Provider) -> (&'static str, &'static str, &'static str, &'static str) {
    match provider {
        Provider::GitHub => ("OAUTH_GITHUB_ID", "OAUTH_GITHUB_SECRET", "OAUTH_GITHUB_BASE", "https://github.com"),
        Provider::Google => {
            ("OAUTH_GOOGLE_ID", "OAUTH_GOOGLE_SECRET", "OAUTH_GOOGLE_BASE", "https://accounts.google.com")
        }
    }
}

/// Reads the settings of all providers. A provider without an id and a secret is left out.
pub fn read(variables: &mut Variables<'_>) -> Vec<ProviderSettings> {
    Provider::ALL.into_iter().filter_map(|provider| read_one(variables, provider)).collect()
}

fn read_one(variables: &mut Variables<'_>, provider: Provider) -> Option<ProviderSettings> {
    let (id, secret, base, default) = variables_of(provider);
    let text = |value: &str| Ok(value.to_owned());
    let base = variables.value(base, origin).unwrap_or_else(|| default.to_owned());
    match (variables.value(id, text), variables.value(secret, text)) {
        (Some(client_id), Some(secret)) => {
            Some(ProviderSettings { provider, client_id, secret: ClientSecret::new(secret), base })
        }
        (None, None) => None,
        (one, _) => {
            let (variable, other) = if one.is_some() { (secret, id) } else { (id, secret) };
            variables.mistakes.push(Mistake { variable, what: format!("is missing beside {other}") });
            None
        }
    }
}

/// Reads an origin, without its last slash.
fn origin(value: &str) -> Result<String, String> {
    let wrong = || format!("must be an address like https://id.example.com, not {value:?}");
    let text = value.trim_end_matches('/');
    let uri: axum::http::Uri = text.parse().map_err(|_| wrong())?;
    let fine = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none() && uri.host().is_some();
    if fine { Ok(text.to_owned()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(pairs: &[(&str, &str)]) -> (Vec<ProviderSettings>, Vec<String>) {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let mut variables = Variables::new(&get);
        let settings = read(&mut variables);
        (settings, variables.mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_provider_needs_both_its_id_and_its_secret() {
        assert!(read_from(&[]).0.is_empty());
        let (settings, mistakes) = read_from(&[("OAUTH_GITHUB_ID", "a"), ("OAUTH_GITHUB_SECRET", "hush")]);
        assert_eq!((settings.len(), settings[0].base.as_str()), (1, "https://github.com"));
        assert!(mistakes.is_empty() && !format!("{settings:?}").contains("hush"));
        let (settings, mistakes) = read_from(&[("OAUTH_GOOGLE_SECRET", "hush")]);
        assert!(settings.is_empty());
        assert_eq!(mistakes, ["OAUTH_GOOGLE_ID is missing beside OAUTH_GOOGLE_SECRET"]);
        let (settings, mistakes) = read_from(&[("OAUTH_GITHUB_ID", "a")]);
        assert!(settings.is_empty());
        assert_eq!(mistakes, ["OAUTH_GITHUB_SECRET is missing beside OAUTH_GITHUB_ID"]);
    }

    #[test]
    fn a_base_is_an_address() {
        assert_eq!(origin("https://id.example.com/realms/one/"), Ok("https://id.example.com/realms/one".into()));
        for wrong in ["id.example.com", "ftp://id.example.com", "https://id.example.com?x=1", "https://"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
