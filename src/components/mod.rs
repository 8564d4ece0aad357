//! What pages share: layouts, forms, tables, charts, and the few interactive islands.
//!
//! Everything here is a function of its props: no database, no request. (The two layouts are the exception: they
//! ask [`crate::auth::current_user`] who is looking.) All of it runs on the server only, but for [`islands`].
//! Components take text: [`format`] writes numbers, shares, changes and times (the time zone is the page's affair).
//! Optional text props are [`MaybeText`]: they take text and `Option`s of it.
//!
//! # Map
//!
//! | module | components | for |
//! |---|---|---|
//! | [`layout`] | [`PublicPage`], [`AdminPage`], [`Columns`], [`Card`] | the frame of every page |
//! | [`header`], [`footer`] | [`SiteHeader`], [`SiteFooter`] | used by the layouts, not by pages |
//! | [`form`] | [`Field`], [`HiddenField`], [`FormAlert`], [`SubmitButton`] | forms that post |
//! | [`filter`] | [`FilterBar`], [`FilterSelect`], [`FilterDate`], [`FilterSearch`], [`FilterText`], [`FilterChips`], [`Segmented`] | forms that get |
//! | [`table`] | [`DataTable`], [`Th`], [`SortTh`], [`TwoLines`], [`Pagination`] | rows |
//! | [`stat`] | [`StatRow`], [`Stat`], [`Change`] | headline numbers |
//! | [`chart`] | [`LineChart`] | a period against the one before |
//! | [`bars`] | [`BarList`] | a ranking with bars behind its rows |
//! | [`trail`] | [`Trail`], [`TrailStep`] | a journey, touch by touch |
//! | [`facts`] | [`Facts`], [`Fact`] | term and description |
//! | [`tag`] | [`Tag`] | a channel, a state |
//! | [`empty`] | [`EmptyState`] | what to do when there is nothing |
//! | [`consent`] | [`ConsentBanner`], [`ConsentChoice`] | asking before anything is kept |
//! | [`islands`] | [`ThemeSwitch`], [`CopyButton`], [`Beacon`] | what needs the browser |
//!
//! # An admin page
//!
//! ```ignore
//! view! {
//!     <AdminPage title="Campaigns" section=AdminSection::Campaigns toolbar=view! {
//!         <a class="button" href="/admin/campaigns.csv?from=2026-10-24" rel="external" download>"CSV"</a>
//!     }.into_any()>
//!         <FilterBar action="/admin/campaigns" keep=vec![("sort".into(), "leads".into())]>
//!             <FilterDate name="from" label="From" value="2026-10-24"/>
//!             <FilterSelect name="medium" label="Medium" options=choices selected=filters.medium/>
//!         </FilterBar>
//!         <FilterChips chips=chips clear_href="/admin/campaigns"/>
//!         <StatRow label="Key figures">
//!             <Stat label="Leads" value=format::count(7046) change=Change::between(7046, 5961)/>
//!         </StatRow>
//!         <Card title="Leads per campaign">
//!             <DataTable caption="Leads per campaign">
//!                 <thead><tr>
//!                     <SortTh label="Campaign" href="?sort=campaign" sort=Sort::None/>
//!                     <SortTh label="Leads" href="?sort=-leads" sort=Sort::Descending numeric=true/>
//!                 </tr></thead>
//!                 <tbody><tr>
//!                     <th scope="row"><TwoLines title="spring-launch" subtitle="google / cpc" href="/admin/leads?c=…"/></th>
//!                     <td class="num">{format::count(2310)}</td>
//!                 </tr></tbody>
//!             </DataTable>
//!             <Pagination newer=None older=Some("?before=…".to_owned()) summary="Rows 1 to 50"/>
//!         </Card>
//!     </AdminPage>
//! }
//! ```
//!
//! # Classes for plain markup
//!
//! `button` with `primary`, `quiet`, `danger`, `large`, `small` · `stack` (children below each other), `row` (beside each
//! other, wrapping), `spread` (pushed apart) · `muted`, `small`, `mono`, `num` (right-aligned tabular figures, for cells),
//! `nowrap`, `visually-hidden` · `table` cells: `num`, `fit` (as narrow as its text) · `prose` (running text). A `<form>` in
//! a card takes `class="form"`, or `class="form inline"` for fields in one row. Links out of the router's reach (CSV,
//! `/r/…`) need `rel="external"`. No `style` attribute anywhere: the content security policy refuses it.

#[cfg(feature = "ssr")]
/// The addresses of style sheet, script and WASM.
pub mod assets;
#[cfg(feature = "ssr")]
/// A ranking with bars behind its rows.
pub mod bars;
#[cfg(feature = "ssr")]
/// A line chart, drawn on the server.
pub mod chart;
#[cfg(feature = "ssr")]
/// What is shown where there is nothing yet.
pub mod empty;
#[cfg(feature = "ssr")]
/// Term and description.
pub mod facts;
#[cfg(feature = "ssr")]
/// Filters: plain GET forms and links.
pub mod filter;
#[cfg(feature = "ssr")]
/// The foot of every page.
pub mod footer;
#[cfg(feature = "ssr")]
/// Forms: fields, alerts, buttons.
pub mod form;
#[cfg(feature = "ssr")]
/// Numbers as people read them.
pub mod format;
#[cfg(feature = "ssr")]
/// The head of every page: logo, navigation, who is signed in.
pub mod header;
/// The interactive components: the only ones the browser gets as code.
pub mod islands;
#[cfg(feature = "ssr")]
/// The frames of public and admin pages, and cards.
pub mod layout;
#[cfg(feature = "ssr")]
/// Ticks of an axis.
pub mod scale;
#[cfg(feature = "ssr")]
/// Headline numbers and their change.
pub mod stat;
#[cfg(feature = "ssr")]
/// Tables that scroll and sort, and paging.
pub mod table;
#[cfg(feature = "ssr")]
/// Small labels.
pub mod tag;
#[cfg(feature = "ssr")]
/// Text that may be missing.
pub mod text;
#[cfg(feature = "ssr")]
/// A journey, drawn as blazes on a trail.
pub mod trail;

pub use self::islands::{Beacon, CopyButton, ThemeSwitch};

#[cfg(feature = "ssr")]
pub use self::{
    bars::{Bar, BarList},
    chart::{ChartPoint, LineChart},
    empty::EmptyState,
    facts::{Fact, Facts},
    filter::{
        Chip, Choice, FilterBar, FilterChips, FilterDate, FilterSearch, FilterSelect, FilterText, Segment, Segmented,
    },
    footer::SiteFooter,
    form::{AlertKind, Field, FormAlert, HiddenField, SubmitButton},
    header::{AdminSection, Section, SiteHeader},
    layout::{AdminPage, BackLink, Card, Columns, PublicPage},
    stat::{Change, Stat, StatRow},
    table::{DataTable, Pagination, Sort, SortTh, Th, TwoLines},
    tag::{Tag, Tone},
    text::MaybeText,
    trail::{Marker, Trail, TrailStep},
};
pub use crate::pages::consent::{ConsentBanner, ConsentChoice};
