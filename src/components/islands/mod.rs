//! The interactive components: what is here, and nothing else, is compiled for the browser too.
//!
//! An island stays invisible until it works: the script in [`crate::app`] marks it `data-ready` once it is hydrated, and
//! the style sheet hides those that are not. Without JavaScript the page is whole without them.
//!
//! They are kept small on purpose: no props (which would bring a JSON parser), no signals, no formatting. State lives in
//! attributes, and the style sheet shows it.

/// Says what the address says of an arrival.
mod beacon;
/// A button that copies the value of the field before it.
mod copy_button;
/// Light, dark, or what the system says.
mod theme_switch;

pub use self::beacon::Beacon;
pub use self::copy_button::CopyButton;
pub use self::theme_switch::ThemeSwitch;
