//! What a page says about its own arrival, so that the page's beacon never makes a second touch of it.
//!
//! The page's request may have made a touch. The document then carries a token that names the touch, and the beacon sends the
//! token back. The beacon needs no cookie for this, and completes exactly this touch. Or the browser loaded the page ahead of a
//! click, so that the request did not count. The document then says so, and the beacon tells the arrival once a person sees the
//! page. Every other document says nothing: it is the same for all visitors, and caches may keep it.
//!
//! The token stands in an attribute of the document, never in an address and never in a page that a cache may keep. A token cannot
//! be forged, because its digest includes the id of the touch's visitor, a random number that no page shows. A token works for a
//! day, and only in a browser with the same user agent. In a browser that was here before, a token never changes another visitor's
//! touch: see [`of_page`](crate::attribution::touch::complete::of_page).

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::id::{TouchId, VisitorId};

/// A request extension: what the page says about its own arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageArrival {
    /// The request made a touch.
    Counted {
        token: TouchToken,
        /// The visitor began with this request. A second first tab may have got another visitor at the same time.
        began: bool,
    },
    /// The browser loaded the page ahead of a click. The request did not count.
    LoadedAhead,
}

/// The value of the attribute for [`PageArrival::LoadedAhead`].
const LOADED_AHEAD: &str = "ahead";

impl PageArrival {
    /// Returns the value of the document's attribute `data-arrival`, which the beacon sends back.
    pub fn attribute(&self) -> String {
        match self {
            Self::Counted { token, .. } => token.encoded(),
            Self::LoadedAhead => LOADED_AHEAD.to_owned(),
        }
    }

    /// Returns the value of the attribute `data-tell`. With this attribute the beacon is sent even if the page's address has no
    /// signal; with `once`, not after going back or forward to the page. Returns `None` if the attribute is absent.
    pub fn tell(&self) -> Option<&'static str> {
        match self {
            Self::Counted { began, .. } => began.then_some("always"),
            Self::LoadedAhead => Some("once"),
        }
    }
}

/// What a beacon says about the request of its page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PageSays {
    /// The server knew of no arrival.
    #[default]
    Nothing,
    LoadedAhead,
    /// The request made a touch. `None` if the token cannot be read.
    Counted(Option<TouchToken>),
}

impl PageSays {
    /// Reads the attribute `data-arrival`.
    pub fn parse(attribute: &str) -> Self {
        match attribute {
            "" => Self::Nothing,
            LOADED_AHEAD => Self::LoadedAhead,
            token => Self::Counted(TouchToken::parse(token)),
        }
    }
}

/// Names a touch, for the browser whose request made the touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TouchToken {
    pub touch: TouchId,
    proof: [u8; 16],
}

impl TouchToken {
    /// Makes the token for a touch of the visitor. `headers` are the headers of the browser's request.
    pub fn new(touch: TouchId, visitor: VisitorId, headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).map(|agent| agent.as_bytes()).unwrap_or_default();
        let digest = Sha256::new()
            .chain_update("waymark page arrival")
            .chain_update(visitor.as_uuid().as_bytes())
            .chain_update(touch.as_uuid().as_bytes())
            .chain_update(agent);
        let mut proof = [0; 16];
        proof.copy_from_slice(&digest.finalize()[..16]);
        Self { touch, proof }
    }

    fn encoded(&self) -> String {
        URL_SAFE_NO_PAD.encode([*self.touch.as_uuid().as_bytes(), self.proof].concat())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (touch, proof) = bytes.split_at(16);
        Some(Self { touch: Uuid::from_slice(touch).ok()?.into(), proof: proof.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn browser(agent: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(agent))])
    }

    #[test]
    fn a_token_is_read_as_it_was_made_and_fits_one_browser() {
        let (touch, visitor) = (TouchId::new(), VisitorId::new());
        let token = TouchToken::new(touch, visitor, &browser("Firefox"));
        let attribute = PageArrival::Counted { token, began: true }.attribute();
        assert_eq!(PageSays::parse(&attribute), PageSays::Counted(Some(token)));
        assert_eq!(token, TouchToken::new(touch, visitor, &browser("Firefox")));
        for other in [
            TouchToken::new(touch, visitor, &browser("Chrome")),
            TouchToken::new(touch, VisitorId::new(), &browser("Firefox")),
            TouchToken::new(TouchId::new(), visitor, &browser("Firefox")),
            TouchToken::new(touch, visitor, &HeaderMap::new()),
        ] {
            assert_ne!(token, other);
        }
        assert!(!attribute.contains(&visitor.to_string()));
    }

    #[test]
    fn what_is_no_token_still_says_that_the_page_counted() {
        for text in ["x", "ahead ", "%", &"A".repeat(42), &"A".repeat(44), &"é".repeat(43)] {
            assert_eq!(PageSays::parse(text), PageSays::Counted(None), "{text}");
        }
        assert_eq!(PageSays::parse(""), PageSays::Nothing);
        assert_eq!(PageSays::parse(&PageArrival::LoadedAhead.attribute()), PageSays::LoadedAhead);
    }
}
