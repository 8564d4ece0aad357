//! What the site is called.

/// The site's name: on pages, in mails, and in authenticator apps.
pub const NAME: &str = "Waymark";
/// What the foot of every page says.
pub const TAGLINE: &str = "Waymark knows where every sign-up came from.";
