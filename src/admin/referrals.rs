use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};

use super::{
    forms::referrals::FORM,
    lists::NumberedPage,
    page::{PageError, PageRequest, admin_page},
    sections::REFERRALS,
    tables::ActionTh,
    words::long_day,
};
use crate::{
    attribution::{
        referral,
        report::{
            period::day_of,
            referrals::{LinkState, ReferralLink, referral_links, referral_totals},
        },
    },
    auth::forms::{FormState, take_flash},
    components::{
        AdminPage, AlertKind, Card, CopyButton, DataTable, EmptyState, Field, FormAlert, Pagination, SubmitButton, Tag,
        Th, Tone, TwoLines, format,
    },
    timestamp::{DAY, MILLISECOND, Timestamp},
};

const ROWS: u32 = 50;

/// The referral links of members, and the links that admins create for campaigns.
#[component]
pub fn ReferralsPage() -> impl IntoView {
    let flash = take_flash(FORM);
    admin_page(move |request| page(request, flash))
}

async fn page(request: PageRequest, flash: FormState) -> Result<impl IntoView, PageError> {
    let number = NumberedPage::of(&request, ROWS);
    let mut conn = request.state.db.read_for_report().await?;
    let (count, signups) = referral_totals(&mut conn).await?;
    let links = referral_links(&mut conn, ROWS, number.offset()).await?;
    drop(conn);

    let subtitle = format!(
        "{}, {}",
        format::plural(count, "link", "links"),
        format::plural(signups, "sign-up through them", "sign-ups through them")
    );
    let list = match count {
        0 => Either::Left(view! {
            <EmptyState title="No referral links yet"
                text="Members get a link on their account page. Create one above for a campaign, such as a newsletter, a partner \
                      or a poster."/>
        }),
        _ => {
            let row = |link: ReferralLink| {
                let url = referral::token::url(&request.state.config.site_url, &link.token);
                view! { <LinkRow state=link.state(request.now) link url/> }
            };
            let rows = links.into_iter().map(row).collect_view();
            Either::Right(view! { <LinkTable number count>{rows}</LinkTable> })
        }
    };
    Ok(view! {
        <AdminPage title=REFERRALS.title subtitle>
            <Card title="New campaign link"><LinkForm flash now=request.now/></Card>
            <Card title="Links">{list}</Card>
        </AdminPage>
    })
}

/// The form that creates a link for a campaign.
#[component]
fn LinkForm(flash: FormState, now: Timestamp) -> impl IntoView {
    let tomorrow = day_of(now + DAY, &TimeZone::UTC).to_string();
    let landing = Some(flash.value("landing_path")).filter(|path| !path.is_empty());
    view! {
        <form class="form inline" method="post" action="/api/referral-tokens">
            <FormAlert message=flash.notice.clone() kind=AlertKind::Success/>
            <FormAlert message=flash.error("") kind=AlertKind::Error/>
            <Field name="campaign" label="Campaign" value=flash.value("campaign") error=flash.error("campaign")
                placeholder="partner-week" required=true maxlength=255 hint="The name that reports show."/>
            <Field name="landing_path" label="Landing page" value=landing.unwrap_or_else(|| "/".to_owned())
                error=flash.error("landing_path") hint="A path on this site."/>
            <Field name="expires_at" label="Last day" kind="date" value=flash.value("expires_at")
                error=flash.error("expires_at") min=tomorrow hint="Leave it empty for a link that never expires."/>
            <SubmitButton label="Create link"/>
        </form>
    }
}

/// The table of links, and the links to its other pages. `children` are the rows.
#[component]
fn LinkTable(
    number: NumberedPage,
    /// How many links there are on all pages.
    count: i64,
    children: Children,
) -> impl IntoView {
    let step = |number: u32| format!("{}?page={number}", REFERRALS.path);
    let (newer, older) = (number.previous(count).map(step), number.next(count).map(step));
    view! {
        <DataTable caption="Referral links" dense=true>
            <thead>
                <tr>
                    <Th label="Owner"/>
                    <Th label="Link"/>
                    <Th label="Campaign, landing page"/>
                    <Th label="Sign-ups" numeric=true/>
                    <Th label="State"/>
                    <ActionTh/>
                </tr>
            </thead>
            <tbody>{children()}</tbody>
        </DataTable>
        <Pagination newer older newer_label="Previous" older_label="Next"/>
    }
}

/// One link. `url` is its whole address.
#[component]
fn LinkRow(link: ReferralLink, state: LinkState, url: String) -> impl IntoView {
    let (label, tone) = state_tag(state, link.expires_at);
    let path = format!("/r/{}", link.token);
    let disable = (state != LinkState::Disabled).then(|| {
        let name = format!("Disable the link {path}");
        view! {
            <form method="post" action="/api/referral-tokens/disable">
                <input type="hidden" name="token" value=link.token.clone()/>
                <button class="button small danger" type="submit" aria-label=name>"Disable"</button>
            </form>
        }
    });
    let created = format!("Created {}", format::date(link.created_at, &TimeZone::UTC));
    let owner = link.owner_id.map(|id| format!("/admin/users/{id}"));
    view! {
        <tr>
            <th scope="row" class="who">
                <TwoLines title=link.owner_email.unwrap_or_else(|| "Campaign link".to_owned()) subtitle=created href=owner/>
            </th>
            <td>
                <div class="copy-field link-field">
                    <input type="text" readonly aria-label=format!("Link {path}") value=url/>
                    <CopyButton/>
                </div>
            </td>
            <td><TwoLines title=link.campaign subtitle=link.landing_path/></td>
            <td class="num">{format::count(link.signups)}</td>
            <td><Tag label tone/></td>
            <td class="fit">{disable}</td>
        </tr>
    }
}

fn state_tag(state: LinkState, expires_at: Option<Timestamp>) -> (String, Tone) {
    match (state, expires_at) {
        (LinkState::Disabled, _) => ("Disabled".to_owned(), Tone::Plain),
        (LinkState::Expired, _) => ("Expired".to_owned(), Tone::Plain),
        // The link ends with its last day: the millisecond before the end lies on that day.
        (LinkState::Active, Some(end)) => {
            (format!("Until {}", long_day(day_of(end - MILLISECOND, &TimeZone::UTC))), Tone::Good)
        }
        (LinkState::Active, None) => ("Active".to_owned(), Tone::Good),
    }
}
