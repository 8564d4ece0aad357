//! Small interactive components that any page can use.
//!
//! Every page downloads their code, so they are kept small: no props, no signals, no text formatting. Their state is in attributes,
//! which the style sheet shows. An island of one page can afford more: see [`crate::admin::inspector`].
//!
//! The style sheet hides an island until it works. The script in [`crate::app`] then sets its attribute `data-ready`. Where
//! scripts are off, islands take no room. An island that is useful without a script puts the class `works-without-script` on its
//! outermost elements, which are then always shown.

/// Tells the server about signals in the page's address.
mod beacon;
/// A button that copies the value of the field before it.
mod copy_button;
/// Light colours, dark colours, or the system's.
mod theme_switch;

pub use self::beacon::Beacon;
pub use self::copy_button::CopyButton;
pub use self::theme_switch::ThemeSwitch;
