//! Whatever way somebody becomes a user or comes back, what brought the person is the person's: every door in three situations.
//!
//! In each case the person arrives in one browser by a link of a campaign. Afterwards the touch with this campaign is there once,
//! it is the right user's, and the user's touches stand in the order in which they happened.

mod door;
mod links;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::sleep;
use waymark::db::sql;

use self::door::{DOORS, Door, IN_APP, Person, Situation, arrive, go, prepare};
use crate::{
    consent::decide,
    provider_server::ProviderServer,
    support::{Browser, Setup, TestApp, each_app_with, with_mail},
};

/// Returns the setup of a site that knows all doors. `consent`: whether the site has to ask before it remembers anybody.
fn setup(server: &ProviderServer, consent: bool) -> Setup {
    let mut setup = with_mail();
    setup.variables.extend(server.setup().variables);
    if consent {
        setup.variables.push(("ATTRIBUTION_CONSENT", "required".into()));
    }
    setup
}

/// A touch as the test sees it: the user's address, the campaign, and how often it was counted.
type Row = (Option<String>, String, i64);

/// Returns the touches of campaigns that begin with `campaign`, in the order in which they happened.
async fn touches(app: &TestApp, campaign: &str) -> Vec<Row> {
    sql("select u.email, t.campaign, t.hits from touches t join visitors v on v.id = t.visitor_id
        left join users u on u.id = v.user_id where t.campaign like $1 order by t.occurred_at")
    .bind(format!("{campaign}%"))
    .fetch_all(&mut app.conn().await)
    .await
    .expect("rows")
}

/// Leads one person through one door, and checks what the person's account has afterwards.
async fn check(app: &TestApp, server: &ProviderServer, asking_url: &str, door: Door, situation: Situation) {
    let name = format!("{door:?}-{situation:?}").to_lowercase();
    let email = format!("{name}@example.com");
    let mut campaigns = prepare(app, door, &email).await;
    let consent = door == Door::ConsentAfterwards || situation == Situation::LateConsent;
    let url = if consent { asking_url } else { &app.url };
    let asks = if door == Door::InAppBrowser { Browser::named(url, IN_APP) } else { Browser::new(url) };
    let other = (situation != Situation::SameBrowser).then(|| app.browser());
    let person = Person { situation, campaign: name.clone(), email: email.clone(), asks, other };
    let fields = arrive(app, door, &person).await;
    campaigns.push(name.clone());
    if situation == Situation::OtherBrowser {
        // A moment later, so that the order of the touches is certain.
        sleep(Duration::from_millis(5)).await;
        let later = format!("{name}-later");
        person.opens().open(&format!("/?utm_source=ad&utm_medium=cpc&utm_campaign={later}")).await;
        campaigns.push(later);
    }
    go(app, server, door, &person).await;
    if consent {
        assert!(!fields.is_empty(), "{name}: the site asks");
        assert!(!touches(app, &name).await.iter().any(|(_, campaign, _)| *campaign == name), "{name}: not before");
        decide(&person.asks, &fields, "yes").await;
    }
    let expected: Vec<Row> = campaigns.into_iter().map(|campaign| (Some(email.clone()), campaign, 1)).collect();
    assert_eq!(touches(app, &name).await, expected, "{name}");
    let made =
        "select count(*) from conversions c join users u on u.id = c.user_id where c.kind = 'signup' and u.email = ";
    assert_eq!(app.count(format!("{made}'{email}'")).await, i64::from(door.signs_up()), "{name}");
}

/// Leads a person through every door.
async fn every_door(situation: Situation) {
    let server = ProviderServer::start().await;
    let late = situation == Situation::LateConsent;
    each_app_with(
        || setup(&server, late),
        async |app: Arc<TestApp>| {
            // A replica that asks, for the door whose person agrees after the sign-up.
            let (asking_url, stop) = app.replica_with(setup(&server, true)).await;
            let mut cases = BTreeSet::new();
            for door in Door::ALL {
                check(&app, &server, if late { &app.url } else { &asking_url }, door, situation).await;
                cases.insert(format!("{door:?}"));
            }
            assert_eq!(cases.len(), DOORS, "no case is lost: {cases:?}");
            // Whoever registers is in exactly one case, but for those who helped to prepare.
            let people = format!("select count(*) from users where email like '%-{situation:?}@example.com'");
            assert_eq!(app.count(people.to_lowercase()).await, DOORS as i64);
            let referred = app.count("select count(*) from referrals").await;
            assert_eq!(referred, i64::from(!late), "a referral counts if it is known at the sign-up");
            drop(stop);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_in_the_same_browser() {
    every_door(Situation::SameBrowser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_in_another_browser() {
    every_door(Situation::OtherBrowser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_with_consent_given_late() {
    every_door(Situation::LateConsent).await;
}
