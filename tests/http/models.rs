//! Credit on the admin pages and in the exported files.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use waymark::{
    db::sql,
    id::{ConversionId, TouchId, UserId},
    timestamp::DAY,
};

use crate::{
    conversions::Sender,
    support::{Browser, Setup, TestApp, each_app, each_app_with},
};

/// Creates a member who came by three links, days apart, signed up, bought for 10 euros and 100 yen, and got 4 euros back.
async fn customer(app: &TestApp) -> UserId {
    let member = app.member("maria@example.com").await;
    for (source, medium, campaign) in
        [("google", "cpc", "spring"), ("news", "email", "<b>letter"), ("bing", "cpc", "autumn")]
    {
        member.open(&format!("/?utm_source={source}&utm_medium={medium}&utm_campaign={campaign}")).await;
    }
    let touches: Vec<(TouchId,)> =
        sql("select id from touches order by id").fetch_all(&mut app.conn().await).await.expect("touches");
    let now = app.db.now();
    for ((id,), days) in touches.into_iter().zip([30, 20, 10]) {
        app.execute(sql("update touches set occurred_at = $2 where id = $1").bind(id).bind(now - days * DAY)).await;
    }
    let (user,): (UserId,) = sql("select id from users where email = 'maria@example.com'")
        .fetch_one(&mut app.conn().await)
        .await
        .expect("the member");
    let checkout = Sender::new(app, "checkout").await;
    for body in [
        json!({"user_email": "maria@example.com", "kind": "purchase", "value": 1000, "currency": "EUR", "external_id": "1"}),
        json!({"user_email": "maria@example.com", "kind": "purchase", "value": 100, "currency": "JPY", "external_id": "2"}),
        json!({"user_email": "maria@example.com", "kind": "purchase", "value": -400, "currency": "EUR", "external_id": "3", "refunds": "1"}),
    ] {
        let answer = checkout.send(&body).await;
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }
    user
}

async fn file(admin: &Browser, path: &str) -> Vec<Vec<String>> {
    let response = admin.get(path).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let text = response.text().await.expect("text");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|record| record.expect("a record").iter().map(str::to_owned).collect()).collect()
}

/// Returns the text of a page without tags.
fn text(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\u{a0}', " ")
}

#[tokio::test]
async fn models_stand_side_by_side() {
    each_app(async |app| {
        customer(&app).await;
        let admin = app.admin().await;
        // The admin's own sign-up is direct.
        let page = text(&admin.text("/admin/models?kind=purchase&model=last").await);
        assert!(page.contains("Model is Last touch") && page.contains("Conversion is purchase"), "{page}");
        for (row, numbers) in [("Paid Search", "2 2 2 1.33 −0.67"), ("Email", "0 0 0 0.67 +0.67")] {
            let found = page.split(row).any(|after| {
                let after = after.replace(" against the base", "");
                after.trim_start().starts_with(numbers)
            });
            assert!(found, "{row} {numbers} in {page}");
        }
        assert!(page.contains("Markov chain") && page.contains("Shapley value"), "{page}");
        assert!(page.contains("Value is learnt separately") && !page.contains("the page by channel"), "{page}");
        assert!(page.contains("A refund takes back value") && page.contains("Direct visits are not stored"), "{page}");
        for elsewhere in ["?by=source&kind=purchase", "?campaign=spring&kind=purchase"] {
            let page = admin.text(&format!("/admin/models{elsewhere}")).await;
            let link = "<a href=\"/admin/models?period=30d&amp;kind=purchase\">the page by channel";
            assert!(page.contains(link) && !page.contains("Value is learnt separately"), "{elsewhere} {page}");
        }

        let euros = text(&admin.text("/admin/models?show=eur&by=campaign&model=first").await);
        assert!(euros.contains("Value in EUR by campaign") && !euros.contains("Time decay Markov chain"), "{euros}");
        // 10 euros less a refund of 4.
        assert!(euros.contains("spring 6.00 0.00 −6.00"), "{euros}");
        assert!(!admin.text("/admin/models?by=campaign").await.contains("<b>letter"), "text stays text");

        // The page names a wrong value, and the other parameters apply.
        let wrong = text(&admin.text("/admin/models?model=u-shaped&by=x&show=XYZ").await);
        assert!(wrong.contains("“u-shaped” is not a model"), "{wrong}");
        assert!(wrong.contains("Conversions by channel"), "{wrong}");
    })
    .await;
}

#[tokio::test]
async fn files_have_exact_credit() {
    each_app(async |app| {
        customer(&app).await;
        let admin = app.admin().await;
        let rows = file(&admin, "/admin/models.csv?kind=purchase").await;
        let of = |value: &str, model: &str| {
            let row = rows.iter().find(|row| row[1] == value && row[2] == model);
            row.unwrap_or_else(|| panic!("{value} {model} in {rows:?}"))[3..].to_vec()
        };
        assert_eq!(of("Email", "linear"), ["0.666666", r#"{"EUR":"2.00","JPY":"33"}"#]);
        assert_eq!(of("Paid Search", "linear"), ["1.333334", r#"{"EUR":"4.00","JPY":"67"}"#]);
        assert_eq!(of("Paid Search", "first"), ["2.000000", r#"{"EUR":"6.00","JPY":"100"}"#]);
        for model in ["markov", "shapley"] {
            let parts = ["Email", "Paid Search"].map(|channel| of(channel, model)[0].parse::<f64>().expect("a number"));
            assert_eq!(parts.iter().sum::<f64>(), 2.0, "{model}");
        }

        let rows = file(&admin, "/admin/campaigns.csv?model=linear&kind=purchase").await;
        let spring = rows.iter().find(|row| row[2] == "spring").expect("the campaign");
        // 600 cents and 100 yen in three parts: the unit that is left goes to the first touch.
        assert_eq!(spring[9..], ["linear", "0.666668", r#"{"EUR":"2.00","JPY":"34"}"#]);
        let direct = file(&admin, "/admin/campaigns.csv?channel=Direct").await;
        assert_eq!(direct[0][..4], ["", "", "", "Direct"]);
        assert_eq!(direct[0][9..], ["last_non_direct", "1.000000", "{}"]);

        for wrong in ["/admin/models.csv?by=x", "/admin/models.csv?model=x", "/admin/campaigns.csv?model=x"] {
            let response = admin.get(wrong).send().await.expect("an answer");
            assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn campaigns_overview_journey_and_lead_show_credit() {
    each_app(async |app| {
        let user = customer(&app).await;
        let admin = app.admin().await;
        let campaigns = admin.text("/admin/campaigns?model=first&kind=purchase&sort=-credit").await;
        assert!(text(&campaigns).contains("credited by the model “First touch”"), "{campaigns}");
        assert!(text(&campaigns).contains("6.00 EUR 100 JPY"), "{campaigns}");
        // The links of the page keep what was chosen.
        assert!(campaigns.contains("model=first&amp;kind=purchase&amp;sort=credit"), "{campaigns}");

        let overview = text(&admin.text("/admin?metric=conversions").await);
        // Two sign-ups and two purchases.
        assert!(overview.contains("Conversions 4") && overview.contains("Value in EUR 6.00"), "{overview}");
        assert!(overview.contains("Credited by the model “Last non-direct touch”."), "{overview}");

        // The admin came directly.
        let signups = "1 of 2 sign-ups came through a link within the look-back window, the others directly.";
        assert!(overview.contains(signups), "{overview}");
        let leads = text(&admin.text("/admin").await);
        assert!(
            leads.contains(signups) && leads.contains("are credited by the model “Last non-direct touch”."),
            "{leads}"
        );
        assert!(!text(&admin.text("/admin?campaign=autumn").await).contains("sign-ups came through"), "none is direct");
        for (query, why) in [
            ("", "1 further sign-up came directly, without a touch in the look-back window."),
            ("?channel=Direct", "With a filter on touches, sign-ups without one are not counted."),
        ] {
            let campaigns = text(&admin.text(&format!("/admin/campaigns{query}")).await);
            assert!(campaigns.contains("Direct 0 0 0 0 – – 1"), "{query} {campaigns}");
            assert!(campaigns.contains(&format!("{why} Direct shows a dash")), "{query} {campaigns}");
        }

        let journey = text(&admin.text(&format!("/admin/users/{user}/journey?model=linear")).await);
        assert!(journey.contains("0.67 purchase · 2.00 EUR, 34 JPY"), "{journey}");
        assert!(journey.contains("Conversion: purchase 10.00 EUR"), "{journey}");
        assert!(journey.contains("Refund of a purchase −4.00 EUR"), "{journey}");

        let (lead,): (TouchId,) = sql("select id from touches where campaign = 'autumn'")
            .fetch_one(&mut app.conn().await)
            .await
            .expect("the touch");
        let lead = text(&admin.text(&format!("/admin/leads/{lead}")).await);
        assert!(lead.contains("First touch 0 –"), "{lead}");
        assert!(lead.contains("Last non-direct touch chosen 3 6.00 EUR, 100 JPY"), "{lead}");
    })
    .await;
}

#[tokio::test]
async fn conversions_are_listed() {
    each_app(async |app| {
        let user = customer(&app).await;
        let admin = app.admin().await;
        let page = admin.text("/admin/conversions?model=first").await;
        let words = text(&page);
        assert!(words.contains("4 of 4 conversions"), "{words}");
        assert!(words.contains("purchase 10.00 EUR 4.00 EUR spring Paid Search autumn"), "{words}");
        assert!(words.contains("Sign-up – – Direct Direct 0 waymark"), "the admin's: {words}");
        assert!(page.contains(&format!("/admin/users/{user}/journey?model=first")), "{page}");
        let emails = text(&admin.text("/admin/conversions?channel=Email").await);
        assert!(emails.contains("3 of 3 conversions"), "{emails}");
        let none = text(&admin.text("/admin/conversions?campaign=nothing").await);
        assert!(none.contains("Nothing matches"), "{none}");
        let damaged = text(&admin.text("/admin/conversions?before=x").await);
        assert!(damaged.contains("is damaged"), "{damaged}");

        let csv = page.split("href=\"/admin/conversions.csv").nth(1).and_then(|rest| rest.split('"').next());
        let csv = csv.expect("a link").replace("&amp;", "&");
        assert_eq!(file(&admin, &format!("/admin/conversions.csv{csv}")).await.len(), 4, "{csv}");
        assert_eq!(file(&admin, "/admin/conversions.csv?channel=Email").await.len(), 3);
        let wrong = admin.get("/admin/conversions.csv?channel=x").send().await.expect("an answer");
        assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);

        // More conversions than fit on one page.
        let now = app.db.now();
        for n in 0..60 {
            let query =
                sql("insert into conversions (id, user_id, kind, occurred_at, recorded_at, source, external_id)
                values ($1, $2, 'visit', $3, $3, 'test', $4)");
            app.execute(
                query.bind(ConversionId::new()).bind(user).bind(now - n * Duration::from_secs(1)).bind(n.to_string()),
            )
            .await;
        }
        let first = admin.text("/admin/conversions?kind=visit").await;
        assert!(text(&first).contains("50 of 60 conversions"));
        let older = first.split("before=").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
        let second = admin.text(&format!("/admin/conversions?kind=visit&before={older}")).await;
        assert!(text(&second).contains("10 of 60 conversions") && second.contains("after="));
    })
    .await;
}

#[tokio::test]
async fn the_configured_model_and_windows_hold() {
    let setup = || Setup {
        variables: vec![("ATTRIBUTION_MODEL", "first".into()), ("ATTRIBUTION_WINDOWS", "purchase:15d".into())],
        ..Setup::default()
    };
    each_app_with(setup, async |app| {
        customer(&app).await;
        let admin = app.admin().await;
        let rows = file(&admin, "/admin/campaigns.csv?kind=purchase").await;
        // A touch outside the look-back window gets no credit.
        let earned = |campaign: &str| rows.iter().find(|row| row[2] == campaign).expect("a row")[9..].to_vec();
        assert_eq!(earned("autumn"), ["first", "2.000000", r#"{"EUR":"6.00","JPY":"100"}"#]);
        assert_eq!(earned("spring"), ["first", "0.000000", "{}"]);
        let rows = file(&admin, "/admin/campaigns.csv?kind=signup").await;
        assert_eq!(rows.iter().find(|row| row[2] == "spring").expect("a row")[10], "1.000000");
        let page = text(&admin.text("/admin/models").await);
        assert!(page.contains("15 days for purchase") && !page.contains("Model is"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn without_conversions_pages_say_what_to_do() {
    each_app(async |app| {
        let admin = app.admin().await;
        app.execute(sql("delete from conversions")).await;
        for path in ["/admin/models", "/admin/conversions"] {
            assert!(text(&admin.text(path).await).contains("No conversions yet"), "{path}");
        }
        assert_eq!(file(&admin, "/admin/models.csv").await, Vec::<Vec<String>>::new());
    })
    .await;
}
