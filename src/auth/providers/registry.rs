use std::sync::Arc;

use openidconnect::{PkceCodeVerifier, RedirectUrl};

use super::{
    github,
    open_id::{self, KnownMetadata},
    provider::{Departure, Person, Provider, ProviderError},
    settings::ProviderSettings,
};

/// The providers that the owner has set up. Clones share what was learnt about them.
#[derive(Clone, Debug)]
pub struct Providers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Vec<ProviderSettings>,
    /// The site's origin, without a slash at the end.
    site_url: String,
    open_id: KnownMetadata,
}

impl Providers {
    pub fn new(settings: Vec<ProviderSettings>, site_url: String) -> Self {
        Self(Arc::new(Inner { settings, site_url, open_id: KnownMetadata::default() }))
    }

    /// Returns the providers that people can sign in with, in the order of the buttons.
    pub fn all(&self) -> impl Iterator<Item = Provider> {
        self.0.settings.iter().map(|settings| settings.provider)
    }

    pub(super) fn settings(&self, provider: Provider) -> Option<&ProviderSettings> {
        self.0.settings.iter().find(|settings| settings.provider == provider)
    }

    /// Returns the address to which the provider sends the browser back.
    fn redirect(&self, provider: Provider) -> Result<RedirectUrl, ProviderError> {
        let url = format!("{}/login/{}/callback", self.0.site_url, provider.word());
        RedirectUrl::new(url).map_err(|error| ProviderError(provider, format!("cannot send anybody back: {error}")))
    }

    pub(super) async fn departure(&self, settings: &ProviderSettings) -> Result<Departure, ProviderError> {
        let redirect = self.redirect(settings.provider)?;
        match settings.provider {
            Provider::GitHub => github::departure(settings, redirect),
            Provider::Google => open_id::departure(settings, redirect, &self.0.open_id).await,
        }
    }

    /// Exchanges the code of an answer, and asks who the person is.
    pub(super) async fn person(
        &self,
        settings: &ProviderSettings,
        code: String,
        verifier: PkceCodeVerifier,
        nonce: Option<String>,
    ) -> Result<Person, ProviderError> {
        let redirect = self.redirect(settings.provider)?;
        match settings.provider {
            Provider::GitHub => github::person(settings, redirect, code, verifier).await,
            Provider::Google => {
                let nonce = nonce.unwrap_or_default();
                open_id::person(settings, redirect, &self.0.open_id, (code, verifier, nonce)).await
            }
        }
    }
}
