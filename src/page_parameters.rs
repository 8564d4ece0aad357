use crate::attribution::capture::consent_handoff;

/// The query parameters that this site's own links and forms use. A custom tag cannot have one of these names.
///
/// Add a parameter here when a page begins to read it.
pub const PAGE_PARAMETERS: [&str; 32] = [
    // Where to go after sign-in, and form fields.
    "next",
    "email",
    "password",
    // Parameters that Leptos adds to the address of a failed form.
    "__err",
    "__path",
    // Filters, sorting and paging of the admin pages.
    "from",
    "to",
    "tz",
    "source",
    "medium",
    "campaign",
    "term",
    "content",
    "channel",
    "model",
    "kind",
    "q",
    "period",
    "by",
    "show",
    "sort",
    "dir",
    "order",
    "page",
    "before",
    "after",
    "cursor",
    // The inspector's form.
    "address",
    "linked_from",
    "agent",
    "gpc",
    consent_handoff::PARAMETER,
];
