use jiff::tz::TimeZone;
use leptos::{either::Either, prelude::*};

use super::{
    confirm_fields::ConfirmFields,
    forms::tokens::FORM,
    page::{PageError, PageRequest, admin_page},
    sections::TOKENS,
    tables::ActionTh,
};
use crate::{
    auth::{
        api_tokens::{ApiToken, list},
        current_user,
        forms::{FormState, take_flash},
    },
    components::{
        AdminPage, AlertKind, Card, CopyButton, DataTable, EmptyState, Field, FormAlert, HiddenField, SubmitButton,
        Tag, Th, Tone, TwoLines, format,
    },
    timestamp::Timestamp,
};

/// The tokens with which programs report conversions or read reports.
#[component]
pub fn TokensPage() -> impl IntoView {
    let flash = take_flash(FORM);
    let code = current_user().is_some_and(|user| user.second_factor);
    admin_page(move |request| page(request, flash, code))
}

async fn page(request: PageRequest, flash: FormState, code: bool) -> Result<impl IntoView, PageError> {
    let tokens = list(&request.state.db).await?;
    let now = request.now;
    let made = Some(flash.value("token")).filter(|token| !token.is_empty());
    let list = match tokens.is_empty() {
        true => Either::Left(view! {
            <EmptyState title="No tokens yet"
                text="A program that reports conversions, such as your billing system, needs a token. Create one above."/>
        }),
        false => {
            let rows = tokens.into_iter().map(|token| view! { <TokenRow token now/> }).collect_view();
            Either::Right(view! {
                <DataTable caption="API tokens, newest first">
                    <thead>
                        <tr>
                            <Th label="Name"/><Th label="May"/><Th label="Last used"/><Th label="State"/><ActionTh/>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </DataTable>
            })
        }
    };
    Ok(view! {
        <AdminPage title=TOKENS.title subtitle="With a token, programs report conversions (POST /api/conversions) or read the totals of campaigns (GET /api/reports/campaigns.csv).">
            <FormAlert message=flash.notice.clone() kind=AlertKind::Success/>
            {made.map(|token| view! { <NewToken token/> })}
            <Card title="New token"><TokenForm flash code/></Card>
            <Card title="Tokens">{list}</Card>
        </AdminPage>
    })
}

/// A token that was just made. The token is shown only now.
#[component]
fn NewToken(token: String) -> impl IntoView {
    view! {
        <Card title="Your new token">
            <p>"Copy the token now. It is not stored, and cannot be shown again."</p>
            <div class="copy-field">
                <input type="text" readonly aria-label="New token" value=token/>
                <CopyButton/>
            </div>
        </Card>
    }
}

#[component]
fn TokenForm(flash: FormState, code: bool) -> impl IntoView {
    let reads = flash.value("may") == "read";
    view! {
        <form class="form" method="post" action="/api/tokens" novalidate>
            <FormAlert message=flash.error("") kind=AlertKind::Error/>
            <Field name="name" label="Name" value=flash.value("name") error=flash.error("name") required=true
                maxlength=64 placeholder="stripe" hint="The system that reports. Also the source of its conversions."/>
            <div class="field">
                <label for="may">"The token may"</label>
                <select id="may" name="may">
                    <option value="report" selected=!reads>"Report conversions"</option>
                    <option value="read" selected=reads>"Read the totals of campaigns"</option>
                </select>
                <p class="field-hint">"A token that reads totals cannot report conversions."</p>
            </div>
            <Field name="sources" label="Sources" value=flash.value("sources") error=flash.error("sources")
                hint="For reporting: the sources that the token may report as, separated by commas. Leave this empty for the name alone."/>
            <Field name="days" label="Days until it ends" kind="number" value=flash.value("days")
                error=flash.error("days") min="1" hint="Leave this empty for a token that never ends."/>
            <ConfirmFields prefix="token" code flash/>
            <SubmitButton label="Create token"/>
        </form>
    }
}

#[component]
fn TokenRow(token: ApiToken, now: Timestamp) -> impl IntoView {
    let ApiToken { name, scope, created_at, last_used_at, revoked_at, expires_at } = token;
    let day = |at| format::date(at, &TimeZone::UTC);
    let (state, tone, active) = match (revoked_at, expires_at) {
        (Some(at), _) => (format!("Revoked {}", day(at)), Tone::Plain, false),
        (None, Some(at)) if at <= now => (format!("Ended {}", day(at)), Tone::Plain, false),
        (None, Some(at)) => (format!("Until {}", day(at)), Tone::Good, true),
        (None, None) => ("Active".to_owned(), Tone::Good, true),
    };
    let used = last_used_at.map_or_else(|| "Never".to_owned(), |at| format::date_time(at, &TimeZone::UTC));
    let revoke = active.then(|| {
        let label = format!("Revoke the token {name}");
        view! {
            <form method="post" action="/api/tokens/revoke">
                <HiddenField name="name" value=name.clone()/>
                <button class="button small danger" type="submit" aria-label=label>"Revoke"</button>
            </form>
        }
    });
    let may = match scope.reads_reports() {
        true => "Reads the totals of campaigns".to_owned(),
        false => format!("Reports as {}", scope.sources().join(", ")),
    };
    view! {
        <tr>
            <th scope="row"><TwoLines title=name.clone() subtitle=format!("Created {}", day(created_at))/></th>
            <td class="breakable">{may}</td>
            <td>{used}</td>
            <td><Tag label=state tone/></td>
            <td class="fit">{revoke}</td>
        </tr>
    }
}
