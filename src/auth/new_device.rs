//! The mail about a sign-in with a browser that the account does not know.
//!
//! What always holds:
//! - One transaction signs in, queues the mail and makes the browser known. So there is at most one mail for each browser, until
//!   the account forgets the browser.
//! - The mail says nothing about the network. The audit log has the network's beginning.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    doors::{MailDoors, mails::AccountMail},
    throttle::account_key,
    user::User,
};
use crate::{
    db::{Conn, Error, sql},
    jobs::queue::count_about,
    timestamp::{DAY, Timestamp},
};

/// How many of these mails an account gets within [`WITHIN`]. Whoever has the password could otherwise fill the mailbox. These
/// mails do not count for the limit of other mails: asking for many links does not silence this mail, and this mail keeps no user
/// from a link.
const MAILS: i64 = 10;
const WITHIN: Duration = DAY;

/// How a user has shown who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum WayIn {
    Password,
    /// GitHub or Google.
    Provider,
    /// A link in a mail to the account's address.
    MailLink,
}

/// Returns whether the account's address is told about a sign-in with a browser that the account does not know.
///
/// - A sign-in by a link in a mail needs no further mail: whoever reads the mailbox has just read one. For the same reason, a
///   browser that set a password by a link is known.
/// - The first sign-in after the sign-up is no news. `changed` says that the password was changed or all sessions were ended
///   since the sign-up, so the account knew browsers and has forgotten them.
/// - An address that nobody has confirmed may be another person's, who did not ask for mail about a stranger's account.
const fn is_told(way: WayIn, confirmed: bool, knows_browsers: bool, changed: bool) -> bool {
    !matches!(way, WayIn::MailLink) && confirmed && (knows_browsers || changed)
}

/// Queues the mail, if there is to be one. Call this function before the browser becomes known.
pub(super) async fn tell(
    conn: &mut Conn,
    user: &User,
    way: WayIn,
    browser: String,
    doors: MailDoors,
    now: Timestamp,
) -> Result<(), Error> {
    let known: i64 =
        sql("select count(*) from known_devices where user_id = $1").bind(user.id).fetch_scalar(conn).await?;
    if !is_told(way, user.email_verified_at.is_some(), known > 0, user.session_epoch > 0) {
        return Ok(());
    }
    let mail = AccountMail::NewDevice { user: user.id, email: user.email.clone(), browser, at: now };
    if count_about::<AccountMail>(conn, account_key(&mail.counted_as()), now - WITHIN).await? >= MAILS {
        return Ok(());
    }
    mail.send(conn, doors, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_address_is_told() {
        use WayIn::{MailLink, Password, Provider};
        for (way, confirmed, knows_browsers, changed, told) in [
            (Password, true, true, false, true),
            (Provider, true, true, false, true),
            (MailLink, true, true, true, false),
            // The first sign-in after the sign-up.
            (Password, true, false, false, false),
            // All sessions were ended, and the browsers forgotten.
            (Password, true, false, true, true),
            (Password, false, true, true, false),
            (Provider, false, true, false, false),
        ] {
            assert_eq!(
                is_told(way, confirmed, knows_browsers, changed),
                told,
                "{way:?} {confirmed} {knows_browsers} {changed}"
            );
        }
    }
}
