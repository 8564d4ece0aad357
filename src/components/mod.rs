//! # How to use it
//!
//! Import components from here, not from their modules: `use crate::components::{Card, Field, PublicPage}`. A page begins with a
//! frame, [`PublicPage`] or [`AdminPage`], and puts the other components into it.
//!
//! - A component is a function of its props. No component asks a database or reads a request. The frames also read one context,
//!   [`FrameContext`], which [`crate::app`] provides.
//! - Components take text. [`format`] writes numbers, shares, changes and times as text; the page knows the time zone.
//! - Optional text is [`MaybeText`]: pass a `&str`, a `String`, or an `Option` of either.
//! - Forms post to server functions or lead to an address with GET, so that each works without a script.
//!
//! # Map
//!
//! | module | components | for |
//! |---|---|---|
//! | [`layout`] | [`PublicPage`], [`SecretPage`], [`AdminFrame`], [`AdminPage`], [`Columns`] | the frame of every page |
//! | [`card`] | [`Card`] | a surface with a heading |
//! | [`header`], [`footer`] | [`SiteHeader`], [`SiteFooter`] | parts of the frames |
//! | [`form`] | [`Field`], [`CheckField`], [`HiddenField`], [`FormAlert`], [`SubmitButton`] | forms that post |
//! | [`filter`] | [`FilterBar`], [`FilterSelect`], [`FilterDate`], [`FilterSearch`], [`FilterText`], [`FilterChips`], [`Segmented`] | forms and links that filter |
//! | [`table`] | [`DataTable`], [`Th`], [`SortTh`], [`TwoLines`], [`Pagination`] | rows |
//! | [`stat`] | [`StatRow`], [`Stat`], [`Change`] | headline numbers |
//! | [`chart`] | [`LineChart`] | a period against the one before |
//! | [`bars`] | [`BarList`] | a ranking with bars behind its rows |
//! | [`trail`] | [`Trail`], [`TrailStep`] | a journey, touch by touch |
//! | [`facts`] | [`Facts`], [`Fact`] | terms and their descriptions |
//! | [`tag`] | [`Tag`] | a channel, a state |
//! | [`empty`] | [`EmptyState`] | what to do when there is nothing yet |
//! | [`qr_code`] | [`QrCode`] | a code for a phone's camera |
//! | [`islands`] | [`ThemeSwitch`], [`CopyButton`], [`Beacon`] | what needs the browser |
//!
//! # Where it runs
//!
//! Everything renders on the server. The browser gets the islands only. [`crate::admin::inspector`] is the example of an island
//! with props, children, a signal and a server function.
//!
//! # An admin page
//!
//! ```no_run
//! use leptos::prelude::*;
//! use waymark::components::*;
//!
//! #[component]
//! fn Campaigns() -> impl IntoView {
//!     let csv = view! { <a class="button" href="/admin/campaigns.csv?period=30d" rel="external" download>"Download CSV"</a> };
//!     let media = vec![FilterOption::same("cpc"), FilterOption::same("email")];
//!     view! {
//!         <AdminPage title="Campaigns" toolbar=csv.into_any()>
//!             <FilterBar action="/admin/campaigns" keep=vec![("sort".into(), "leads".into())]>
//!                 <FilterDate name="from" label="From" value="2026-10-24"/>
//!                 <FilterSelect name="medium" label="Medium" options=media selected="cpc" any="Any medium"/>
//!             </FilterBar>
//!             <StatRow label="Key figures">
//!                 <Stat label="Leads" value=format::count(7046) change=Change::between(7046, 5961)/>
//!             </StatRow>
//!             <Card title="Leads per campaign">
//!                 <DataTable caption="Leads per campaign">
//!                     <thead><tr>
//!                         <SortTh label="Campaign" href="?sort=campaign" sort=Sort::None/>
//!                         <SortTh label="Leads" href="?sort=-leads" sort=Sort::Descending numeric=true/>
//!                     </tr></thead>
//!                     <tbody><tr>
//!                         <th scope="row"><TwoLines title="spring" subtitle="google / cpc" href="/admin/leads?campaign=spring"/></th>
//!                         <td class="num">{format::count(2310)}</td>
//!                     </tr></tbody>
//!                 </DataTable>
//!                 <Pagination newer=None older=Some("?before=1".to_owned()) summary="1 to 50 of 7,046"/>
//!             </Card>
//!         </AdminPage>
//!     }
//! }
//! ```
//!
//! # Classes for plain markup
//!
//! | class | effect |
//! |---|---|
//! | `button`, with `primary`, `quiet`, `danger`, `large`, `small` | a button, or a link that looks like one |
//! | `stack`, `row`, `spread` | children below each other; beside each other, wrapping; pushed apart |
//! | `muted`, `small`, `mono`, `nowrap`, `visually-hidden` | text |
//! | `num`, `fit` | table cells: figures that align at the right; as narrow as the text |
//! | `prose` | running text with paragraphs and lists |
//! | `form`, `form inline` | a `<form>` in a card; with its fields in one row |
//!
//! Links to what the router does not serve (CSV files, `/r/…`) need `rel="external"`. The content security policy forbids `style`
//! attributes.

/// The addresses of style sheet, script and WASM.
#[cfg(feature = "ssr")]
pub mod assets;
/// A ranking with bars behind its rows.
#[cfg(feature = "ssr")]
pub mod bars;
/// A surface with a heading.
#[cfg(feature = "ssr")]
pub mod card;
/// A line chart, drawn on the server.
#[cfg(feature = "ssr")]
pub mod chart;
/// What is shown where there is nothing yet.
#[cfg(feature = "ssr")]
pub mod empty;
/// Term and description.
#[cfg(feature = "ssr")]
pub mod facts;
/// Filters: plain GET forms and links.
#[cfg(feature = "ssr")]
pub mod filter;
/// The foot of every page.
#[cfg(feature = "ssr")]
pub mod footer;
/// Forms: fields, alerts, buttons.
#[cfg(feature = "ssr")]
pub mod form;
/// Numbers as people read them.
#[cfg(feature = "ssr")]
pub mod format;
/// The head of every page: logo, navigation, who is signed in.
#[cfg(feature = "ssr")]
pub mod header;
/// Small interactive components that any page can use.
pub mod islands;
/// The frames of public and admin pages.
#[cfg(feature = "ssr")]
pub mod layout;
/// QR codes.
#[cfg(feature = "ssr")]
pub mod qr_code;
/// Ticks of an axis.
#[cfg(feature = "ssr")]
pub mod scale;
/// Headline numbers and their change.
#[cfg(feature = "ssr")]
pub mod stat;
/// Tables that scroll and sort, and paging.
#[cfg(feature = "ssr")]
pub mod table;
/// Small labels.
#[cfg(feature = "ssr")]
pub mod tag;
/// Text that may be missing.
#[cfg(feature = "ssr")]
pub mod text;
/// A journey, drawn step by step.
#[cfg(feature = "ssr")]
pub mod trail;

pub use self::islands::{Beacon, CopyButton, ThemeSwitch};
#[cfg(feature = "ssr")]
pub use self::{
    bars::{BarItem, BarList},
    card::Card,
    chart::{ChartPoint, LineChart},
    empty::EmptyState,
    facts::{Fact, Facts},
    filter::{
        Chip, FilterBar, FilterChips, FilterDate, FilterOption, FilterSearch, FilterSelect, FilterText, Segment,
        Segmented,
    },
    footer::SiteFooter,
    form::{AlertKind, CheckField, Field, FormAlert, HiddenField, SubmitButton},
    header::{NavLink, Section, SiteHeader, Viewer},
    layout::{AdminFrame, AdminPage, BackLink, Columns, FrameContext, PublicPage, SecretPage},
    qr_code::QrCode,
    stat::{Change, Stat, StatRow},
    table::{DataTable, Pagination, Sort, SortTh, Th, TwoLines},
    tag::{Tag, Tone},
    text::MaybeText,
    trail::{Marker, Trail, TrailStep},
};
