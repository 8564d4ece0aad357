//! What guards an account: the last admin on the command line, the code before a change of address, the end of an unfinished setup.

use std::time::Duration;

use waymark::{auth::operator::create_admin, db::sql};

use crate::{
    process::{Ended, command, run},
    second_factor::{STEP, begin, code},
    support::{ADMIN, PASSWORD, TestApp, each_app, each_app_with, with_mail},
};

const MARIA: &str = "maria@example.com";

fn command_line(app: &TestApp, arguments: &[&str]) -> Ended {
    let mut command = command(&app.database.url);
    command.args(arguments);
    run(command, "")
}

#[tokio::test]
async fn the_command_line_does_not_disable_the_last_admin() {
    each_app(async |app| {
        app.make_admin().await;
        app.member(MARIA).await;
        let disable = |email: &str| command_line(&app, &["user", "disable", "--email", email]);
        let refused = disable(ADMIN);
        assert!(!refused.success && refused.text.contains("This is the only admin."), "{}", refused.text);
        assert!(disable(MARIA).success, "a member");
        assert_eq!(app.count("select count(*) from users where disabled_at is null").await, 1);
        create_admin(&app.db, "second@example.com", PASSWORD.to_owned()).await.expect("an admin");
        assert!(disable("ADMIN@example.com").success, "there is another admin");
        assert!(!disable("second@example.com").success, "a disabled admin does not count");
        assert!(!disable("nobody@example.com").success);
    })
    .await;
}

#[tokio::test]
async fn another_address_takes_a_code_where_there_is_a_second_factor() {
    each_app_with(with_mail, async |app| {
        let maria = app.browser();
        maria.submit("/api/register", &[("email", MARIA), ("password", PASSWORD)]).await;
        maria.login(MARIA, PASSWORD).await;
        assert!(!maria.text("/account").await.contains("email-code"));
        let key = begin(&maria).await;
        maria.submit("/api/second-factor/on", &[("code", &code(&key, app.db.now()))]).await;
        assert!(maria.text("/account").await.contains("email-code"));
        let ask = async |code: &str| {
            let form = [("email", "new@example.com"), ("current_password", PASSWORD), ("code", code)];
            maria.status_of("/api/email", &form).await
        };
        assert_eq!((ask("").await, ask("000000").await), (422, 422));
        assert_eq!(app.mails("new@example.com").await.len(), 0);
        maria.submit("/api/email", &[("email", "new@example.com"), ("current_password", PASSWORD)]).await;
        assert!(maria.text("/account").await.contains("This code is wrong"));
        let right = code(&key, app.db.now() + STEP);
        assert_eq!(ask(&right).await, 200);
        assert_eq!(app.mails("new@example.com").await.len(), 1);
        assert_eq!(ask(&right).await, 422, "a code counts once");
    })
    .await;
}

#[tokio::test]
async fn an_unfinished_second_factor_ends_after_a_quarter_of_an_hour() {
    each_app(async |app| {
        let maria = app.member(MARIA).await;
        let key = begin(&maria).await;
        let ago = app.db.now() - Duration::from_mins(15);
        app.execute(sql("update second_factors set created_at = $1").bind(ago)).await;
        let page = maria.text("/account/second-factor").await;
        assert!(!page.contains("class=\"qr\"") && page.contains("Set up"), "{page}");
        let form = [("code", code(&key, app.db.now()))];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(maria.status_of("/api/second-factor/on", &form).await, 422);
        assert_eq!(app.count("select count(*) from users where second_factor_at is not null").await, 0);
        waymark::auth::second_factor::delete_unfinished(&app.db).await.expect("deleted");
        assert_eq!(app.count("select count(*) from second_factors").await, 0);

        let key = begin(&maria).await;
        let form = [("code", code(&key, app.db.now()))];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(maria.status_of("/api/second-factor/on", &form).await, 200);
        app.execute(sql("update second_factors set created_at = $1").bind(ago)).await;
        waymark::auth::second_factor::delete_unfinished(&app.db).await.expect("deleted");
        assert_eq!(app.count("select count(*) from second_factors").await, 1, "a finished one stays");
        let reset = command_line(&app, &["user", "reset-second-factor", "--email", MARIA]);
        assert!(reset.success && reset.text.contains("the password alone"), "{}", reset.text);
        assert_eq!(app.count("select count(*) from second_factors").await, 0);
    })
    .await;
}
