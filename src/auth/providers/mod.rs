//! Signing in with an account at GitHub or Google.
//!
//! `GET /login/github` notes a [`Pending`](pending::Pending) sign-in in the session and sends the browser to the provider. The
//! provider sends the browser back to `/login/github/callback` with a code. The server exchanges the code for the person's number
//! and e-mail address there, and finds or makes the account ([`identity`]).
//!
//! What always holds:
//! - A person is known by the provider's number for them, never by an address that somebody else may get later.
//! - An existing account is joined to a provider only from within a session of the account, or if both the provider and this site
//!   have seen that the same person reads the address.
//! - An answer counts once, in the browser that asked, within [`pending::WITHIN`].
//! - What brought the visitor is the user's: the session that the answer comes back to has the visitor.
//!
//! To add a provider that speaks OpenID Connect: a [`Provider`], its settings and its name. To change who is let in: [`identity`].

/// The rows that say who opens which account.
pub mod connection;
/// GitHub: OAuth 2, and two questions about the person.
mod github;
/// The routes: to the provider, and back.
pub mod handlers;
/// Whose account an answer of a provider opens.
pub mod identity;
/// Google, or another provider that speaks OpenID Connect.
mod open_id;
/// A sign-in on its way, in the session.
mod pending;
/// A provider, and a person as a provider knows them.
mod provider;
/// The providers that the owner has set up.
mod registry;
/// The settings.
pub mod settings;

pub use self::{
    provider::{Person, Provider, ProviderError},
    registry::Providers,
};
