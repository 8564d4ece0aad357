//! An example to copy: a small thing of the user's own that can be listed, made, changed and deleted.
//!
//! `docs/build-your-product.md` walks through it. `bin/remove-projects` removes it.

/// The server functions that the forms post to.
pub mod forms;
/// The list, and the page with the form.
pub mod pages;
/// The rows, each of which belongs to one user.
pub mod store;
