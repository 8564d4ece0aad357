use jiff::tz::TimeZone;
use leptos::prelude::*;

use super::{
    filters::long,
    page::{Asked, Failure, admin_page},
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
        AdminPage, AdminSection, AlertKind, Card, CopyButton, DataTable, EmptyState, Field, FormAlert, Pagination,
        SubmitButton, Tag, Th, Tone, TwoLines, format,
    },
    timestamp::Timestamp,
    timestamp::{DAY, MILLISECOND},
};

const PATH: &str = "/admin/referrals";
const ROWS: u32 = 50;

/// Referral links: those of members, and those that admins make for campaigns.
#[component]
pub fn ReferralsPage() -> impl IntoView {
    let flash = take_flash("referral-tokens");
    admin_page(AdminSection::Referrals, move |asked| page(asked, flash))
}

async fn page(asked: Asked, flash: FormState) -> Result<AnyView, Failure> {
    let number = asked.parameter("page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(1).clamp(1, 1_000_000);
    let mut conn = asked.state.db.read().await?;
    let (count, signups) = referral_totals(&mut conn).await?;
    let links = referral_links(&mut conn, ROWS, (number - 1) * ROWS).await?;
    drop(conn);

    let subtitle = format!(
        "{}, {} brought",
        format::plural(count, "link", "links"),
        format::plural(signups, "sign-up", "sign-ups")
    );
    let list = match count {
        0 => view! {
            <EmptyState title="No referral links yet"
                text="Members get one of their own on their account page. Make one for a campaign above: for a newsletter, a partner, a poster."/>
        }
        .into_any(),
        _ => table(&asked, links, number, count),
    };
    Ok(view! {
        <AdminPage title="Referrals" section=AdminSection::Referrals subtitle>
            <Card title="New link for a campaign">{form(flash, asked.now)}</Card>
            <Card title="Links">{list}</Card>
        </AdminPage>
    }
    .into_any())
}

fn form(flash: FormState, now: Timestamp) -> AnyView {
    let tomorrow = day_of(now + DAY, &TimeZone::UTC).to_string();
    let landing = Some(flash.value("landing_path")).filter(|path| !path.is_empty());
    view! {
        <form class="form inline" method="post" action="/api/referral-tokens">
            <FormAlert message=flash.notice.clone() kind=AlertKind::Success/>
            <FormAlert message=flash.error("") kind=AlertKind::Error/>
            <Field name="campaign" label="Campaign" value=flash.value("campaign") error=flash.error("campaign")
                placeholder="partner-week" required=true maxlength=255 hint="As it will stand in the reports."/>
            <Field name="landing_path" label="Landing page" value=landing.unwrap_or_else(|| "/".to_owned())
                error=flash.error("landing_path") hint="A path of this site."/>
            <Field name="expires_at" label="Last day" kind="date" value=flash.value("expires_at")
                error=flash.error("expires_at") min=tomorrow hint="Empty: it does not expire."/>
            <SubmitButton label="Make link"/>
        </form>
    }
    .into_any()
}

fn table(asked: &Asked, links: Vec<ReferralLink>, page: u32, count: i64) -> AnyView {
    let rows = links.into_iter().map(|link| row(asked, link)).collect_view();
    let step = |to: u32| format!("{PATH}?page={to}");
    let last = u32::try_from(count).unwrap_or(u32::MAX).div_ceil(ROWS);
    let newer = (page > 1).then(|| step((page - 1).min(last)));
    let older = (page < last).then(|| step(page + 1));
    view! {
        <DataTable caption="Referral links" dense=true>
            <thead>
                <tr>
                    <Th label="Whose"/>
                    <Th label="Link"/>
                    <Th label="Campaign, landing page"/>
                    <Th label="Sign-ups" numeric=true/>
                    <Th label="State"/>
                    <th scope="col"><span class="visually-hidden">"Action"</span></th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </DataTable>
        <Pagination newer older newer_label="Previous" older_label="Next"/>
    }
    .into_any()
}

fn row(asked: &Asked, link: ReferralLink) -> AnyView {
    let state = link.state(asked.now);
    let made = format!("Made {}", format::date(link.created_at, &TimeZone::UTC));
    let whose = match (link.owner_id, link.owner_email.clone()) {
        (Some(id), Some(email)) => {
            view! { <TwoLines title=email subtitle=made href=format!("/admin/users/{id}")/> }.into_any()
        }
        _ => view! { <TwoLines title="Campaign link" subtitle=made/> }.into_any(),
    };
    let url = referral::token::url(&asked.state.config.site_url, &link.token);
    let (label, tone) = match (state, link.expires_at) {
        (LinkState::Disabled, _) => ("Disabled".to_owned(), Tone::Plain),
        (LinkState::Expired, _) => ("Expired".to_owned(), Tone::Plain),
        // the first moment at which it does not count any more is the end of the last day
        (LinkState::Active, Some(end)) => {
            (format!("Until {}", long(day_of(end - MILLISECOND, &TimeZone::UTC))), Tone::Good)
        }
        (LinkState::Active, None) => ("Active".to_owned(), Tone::Good),
    };
    let name = format!("Disable the link /r/{}", link.token);
    let disable = (state != LinkState::Disabled).then(|| {
        view! {
            <form method="post" action="/api/referral-tokens/disable">
                <input type="hidden" name="token" value=link.token.clone()/>
                <button class="button small danger" type="submit" aria-label=name>"Disable"</button>
            </form>
        }
    });
    view! {
        <tr>
            <th scope="row" class="who">{whose}</th>
            <td>
                <div class="copy-field link-field">
                    <input type="text" readonly aria-label=format!("Link /r/{}", link.token) value=url/>
                    <CopyButton/>
                </div>
            </td>
            <td><TwoLines title=link.campaign.clone() subtitle=link.landing_path.clone()/></td>
            <td class="num">{format::count(link.signups)}</td>
            <td><Tag label tone/></td>
            <td class="fit">{disable}</td>
        </tr>
    }
    .into_any()
}
