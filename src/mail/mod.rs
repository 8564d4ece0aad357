//! Mail. A request never sends one: it adds a job ([`crate::jobs`]) in the transaction that causes the mail, and the worker renders
//! and sends the mail.
//!
//! What always holds:
//! - The `Message-ID` of a mail is the id of its job. A server or a mail program that gets a mail twice can see so.
//! - A step of the delivery that hangs has a deadline ([`deliver`]).
//! - A mail has a text part and an HTML part that say the same, because both are made from one [`Letter`]. It loads nothing from
//!   the network, and nothing in it tells whether it was opened.
//!
//! # Another mail
//!
//! For a mail about accounts: a variant of `AccountMail` in `auth/doors/mails.rs`, and its [`Letter`] beside the others. The look
//! of all mails is in [`html`]. Any other mail is a job ([`crate::jobs`]) whose handler makes a [`Letter`] and calls
//! [`Mailer::deliver`] with the run's id and time, as `deliver` in `auth/doors/mails.rs` does.

/// Hands a mail over: to an SMTP server, or to a folder.
pub mod deliver;
/// The HTML part, in the site's look.
mod html;
/// What a mail says.
mod letter;
/// `MAIL_URL` and `MAIL_FROM`.
mod settings;
#[cfg(test)]
mod tests;

pub use self::{
    deliver::{DeliveryError, Mailer},
    letter::{Letter, Part},
    settings::{MailSettings, Route, Smtp, Tls},
};
