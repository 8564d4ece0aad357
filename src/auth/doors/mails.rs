//! The texts of all mails about accounts: [`AccountMail::letter`]. Change them there.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    MailDoors, invitation,
    one_time::{self, Purpose},
};
use crate::{
    auth::{
        throttle::account_key,
        user::{User, email_key},
    },
    db::{Conn, Db, Error},
    id::{InvitationId, UserId, VisitorId},
    jobs::{Job, JobError, NewJob, Run},
    mail::{DeliveryError, Letter, Mailer},
    timestamp::Timestamp,
};

/// A mail about an account, as its row in the queue has it. It holds no token: the worker makes the token when it sends the mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case")]
pub enum AccountMail {
    /// Asks a user to confirm the address.
    Verify { user: UserId, email: String, asker: Option<VisitorId> },
    /// Somebody signed up with an address that has an account.
    AccountExists { email: String },
    /// Somebody asked for a new password. There may be no account.
    Reset { email: String, asker: Option<VisitorId> },
    /// Somebody asked for a link that signs in. There may be no account.
    SignIn { email: String, asker: Option<VisitorId> },
    /// A user wants another address. This mail goes to that address.
    ChangeEmail {
        user: UserId,
        email: String,
        asker: Option<VisitorId>,
        /// The user's session_epoch when the user asked. A change of the password since then ends the wish.
        epoch: i64,
    },
    /// The address was changed. This mail goes to the old one.
    EmailChanged { user: UserId, email: String },
    /// An admin invites a person who has no account.
    Invitation {
        invitation: InvitationId,
        email: String,
        /// Whether the account will be an admin's.
        admin: bool,
    },
    /// Somebody signed in with a browser that the account does not know.
    NewDevice {
        user: UserId,
        email: String,
        /// The browser in a few words: `Firefox on Linux`.
        browser: String,
        at: Timestamp,
    },
    /// The password was changed.
    PasswordChanged { user: UserId, email: String },
    /// A provider opens the account from now on.
    ProviderConnected { user: UserId, email: String, provider: String },
}

impl Job for AccountMail {
    const KIND: &'static str = "account_mail";
}

impl AccountMail {
    /// Returns the address to which the mail goes.
    fn email(&self) -> &str {
        match self {
            Self::Verify { email, .. }
            | Self::AccountExists { email }
            | Self::Reset { email, .. }
            | Self::SignIn { email, .. }
            | Self::ChangeEmail { email, .. }
            | Self::EmailChanged { email, .. }
            | Self::Invitation { email, .. }
            | Self::NewDevice { email, .. }
            | Self::PasswordChanged { email, .. }
            | Self::ProviderConnected { email, .. } => email,
        }
    }

    /// Returns under which name the mail counts for limits.
    pub(in crate::auth) fn counted_as(&self) -> Cow<'_, str> {
        match self {
            // Not an address, so these count apart: mails that strangers cause keep none of them away.
            Self::NewDevice { user, .. } => format!("new device of {user}").into(),
            Self::Invitation { invitation, .. } => format!("invitation {invitation}").into(),
            other => other.email().into(),
        }
    }

    fn user(&self) -> Option<UserId> {
        match self {
            Self::Verify { user, .. }
            | Self::ChangeEmail { user, .. }
            | Self::EmailChanged { user, .. }
            | Self::NewDevice { user, .. }
            | Self::PasswordChanged { user, .. }
            | Self::ProviderConnected { user, .. } => Some(*user),
            Self::AccountExists { .. } | Self::Reset { .. } | Self::SignIn { .. } | Self::Invitation { .. } => None,
        }
    }

    /// Adds the mail to the queue, in the transaction that causes it. Does nothing if no mail goes out.
    pub async fn send(self, conn: &mut Conn, doors: MailDoors, now: Timestamp) -> Result<(), Error> {
        if !doors.are_open() {
            return Ok(());
        }
        let job = NewJob::new(&self)?.about(account_key(&self.counted_as()));
        let job = match self.user() {
            Some(user) => job.of_user(user),
            None => job,
        };
        job.write(conn, now).await.map(|_| ())
    }

    /// Returns the purpose of the link that opens a user's account, and the visitor of the browser that asked for the link.
    fn link(&self) -> Option<(Purpose, Option<VisitorId>)> {
        match self {
            Self::Verify { asker, .. } => Some((Purpose::Verify, *asker)),
            Self::Reset { asker, .. } => Some((Purpose::Reset, *asker)),
            Self::SignIn { asker, .. } => Some((Purpose::SignIn, *asker)),
            Self::ChangeEmail { asker, .. } => Some((Purpose::ChangeEmail, *asker)),
            Self::AccountExists { .. }
            | Self::EmailChanged { .. }
            | Self::Invitation { .. }
            | Self::NewDevice { .. }
            | Self::PasswordChanged { .. }
            | Self::ProviderConnected { .. } => None,
        }
    }

    /// Returns what the mail says. `link` is the whole address of the link, if the mail has one.
    fn letter(&self, site: &str, link: &str) -> Letter {
        let email = self.email();
        let host = site.split_once("//").map_or(site, |(_, host)| host);
        let about_account = format!("You get this mail because you have an account with the address {email}.");
        match self {
            Self::Verify { .. } => Letter::new(
                "Confirm your e-mail address",
                format!("You get this mail because somebody created an account with the address {email}."),
            )
            .text(format!("An account was created at {host} with this address. If you created it, confirm that the address is yours."))
            .button("Confirm the address", link)
            .text(format!(
                "The link works for {}. If you did not create the account, do nothing, and the address stays unconfirmed.",
                Purpose::Verify.lasts_in_words(),
            )),
            Self::AccountExists { .. } => Letter::new("You already have an account", about_account)
                .text(format!("Somebody, probably you, tried to create an account at {host} with this address. You already have one."))
                .button("Sign in", format!("{site}/login"))
                .text(format!("If you forgot your password, set a new one: {site}/forgot"))
                .text("If it was not you, do nothing. Nobody can see that you have an account."),
            Self::Reset { .. } => Letter::new(
                "Set a new password",
                format!("You get this mail because somebody asked for a new password for {email}."),
            )
            .text(format!("Somebody, probably you, asked for a new password for your account at {host}."))
            .button("Set a password", link)
            .text(format!(
                "The link works once, for {}. Your old password works until then. If it was not you, do nothing.",
                Purpose::Reset.lasts_in_words(),
            )),
            Self::SignIn { .. } => Letter::new(
                format!("Sign in to {host}"),
                format!("You get this mail because somebody asked for a link to sign in as {email}."),
            )
            .text(format!(
                "Use this link to sign in. It works once, for {}, in any browser.",
                Purpose::SignIn.lasts_in_words(),
            ))
            .button("Sign in", link)
            .text("If you did not ask for it, do nothing. Do not pass the link on: it opens your account."),
            Self::ChangeEmail { .. } => Letter::new(
                "Confirm your new e-mail address",
                format!("You get this mail because somebody wants to use the address {email} for an account."),
            )
            .text(format!("Confirm that you want to use this address for your account at {host}."))
            .button("Use this address", link)
            .text(format!(
                "The link works for {}. Until then your account keeps its old address. If it was not you, do nothing.",
                Purpose::ChangeEmail.lasts_in_words(),
            )),
            Self::EmailChanged { .. } => Letter::new(
                "Your e-mail address was changed",
                format!("You get this mail because your account had the address {email}."),
            )
            .text(format!("Your account at {host} has another e-mail address now. You can no longer sign in with this one."))
            .text("If it was not you, write to the owner of the site at once."),
            Self::Invitation { admin, .. } => Letter::new(
                format!("You are invited to {host}"),
                format!("You get this mail because an administrator of {host} invited {email}."),
            )
            .text(match admin {
                true => format!("An administrator of {host} invites you to create an account, with which you will be an administrator too."),
                false => format!("An administrator of {host} invites you to create an account."),
            })
            .button("Accept the invitation", link)
            .text(format!(
                "The link works once, for {}. If you do not know the site, do nothing. Do not pass the link on: it is for you.",
                Purpose::Invite.lasts_in_words(),
            )),
            Self::NewDevice { browser, at, .. } => Letter::new(format!("New sign-in to {host}"), about_account)
                .text(format!(
                    "Somebody signed in to your account at {host} in a browser that your account did not know: {browser}{}.",
                    at.to_jiff().map(|at| at.strftime(", on %-d %B %Y at %H:%M UTC").to_string()).unwrap_or_default(),
                ))
                .text("If it was you, there is nothing to do. Your account page shows where you are signed in:")
                .button("Open your account", format!("{site}/account"))
                .text(format!("If it was not you, set a new password at once, which ends all sessions: {site}/forgot")),
            Self::PasswordChanged { .. } => Letter::new("Your password was changed", about_account)
                .text(format!("The password of your account at {host} was changed. Browsers that were signed in before are signed out."))
                .text("If it was not you, set another password now:")
                .button("Set another password", format!("{site}/forgot")),
            Self::ProviderConnected { provider, .. } => {
                Letter::new(format!("{provider} was connected to your account"), about_account)
                    .text(format!("An account at {provider} can sign in to your account at {host} from now on."))
                    .text(format!("If it was not you, set another password, which also disconnects {provider}:"))
                    .button("Set another password", format!("{site}/forgot"))
            }
        }
    }
}

/// Sends a mail: the work of the job.
pub async fn deliver(db: &Db, mailer: &Mailer, mail: AccountMail, run: Run) -> Result<(), JobError> {
    let Some(to) = receiver(db, &mail).await? else { return Ok(()) };
    let Some(link) = link_of(db, &mail, &to, run).await? else { return Ok(()) };
    let link = if link.is_empty() { link } else { format!("{}{link}", mailer.site_url()) };
    let letter = mail.letter(mailer.site_url(), &link);
    mailer.deliver(run.id, run.created_at, &to.email, &letter).await.map_err(|error| match error {
        DeliveryError::Refused(why) => JobError::Never(why),
        DeliveryError::Failed(why) => JobError::Again(why),
    })
}

/// Makes the link of a mail, and returns its path; an empty text for a mail without a link. Returns `None` if the link has no use
/// any more.
async fn link_of(db: &Db, mail: &AccountMail, to: &Receiver, run: Run) -> Result<Option<String>, JobError> {
    if let AccountMail::Invitation { invitation, .. } = mail {
        let found = invitation::find(&mut db.read_in_background().await?, *invitation, db.now()).await?;
        let Some(found) = found else { return Ok(None) };
        return Ok(Some(Purpose::Invite.path(&invitation::make_link(db, &found).await?)));
    }
    match (mail.link(), &to.user) {
        (None, _) => Ok(Some(String::new())),
        // After this time nobody waits for the mail any more.
        (Some((purpose, _)), _) if db.now() - run.created_at > purpose.lasts() => {
            Err(JobError::Never("the mail would come too late".into()))
        }
        (Some(_), None) => Ok(None),
        (Some((purpose, asker)), Some(user)) => {
            Ok(Some(purpose.path(&one_time::make(db, purpose, user, &to.email, asker).await?)))
        }
    }
}

struct Receiver {
    user: Option<User>,
    email: String,
}

/// Returns who gets a mail, or `None` if there is nobody: no account has the address, or the account changed meanwhile.
async fn receiver(db: &Db, mail: &AccountMail) -> Result<Option<Receiver>, Error> {
    let mut conn = db.read_in_background().await?;
    let user = match mail {
        AccountMail::Verify { user, .. } | AccountMail::ChangeEmail { user, .. } => {
            User::find(&mut conn, *user).await?
        }
        AccountMail::Reset { email, .. } | AccountMail::SignIn { email, .. } | AccountMail::AccountExists { email } => {
            User::find_by_email(&mut conn, email).await?
        }
        AccountMail::EmailChanged { email, .. }
        | AccountMail::NewDevice { email, .. }
        | AccountMail::PasswordChanged { email, .. }
        | AccountMail::Invitation { email, .. }
        | AccountMail::ProviderConnected { email, .. } => {
            return Ok(Some(Receiver { user: None, email: email.clone() }));
        }
    };
    let Some(user) = user.filter(|user| !user.disabled) else { return Ok(None) };
    if matches!(mail, AccountMail::ChangeEmail { epoch, .. } if *epoch != user.session_epoch) {
        return Ok(None);
    }
    let email = match mail {
        // An address of another account cannot become this user's.
        AccountMail::ChangeEmail { email, .. } => match User::find_by_email(&mut conn, email).await? {
            Some(other) if other.id != user.id => return Ok(None),
            _ => email.clone(),
        },
        // The address to which a mail goes is the account's own, not how somebody spelled it.
        _ if email_key(&user.email) == email_key(mail.email()) => user.email.clone(),
        _ => return Ok(None),
    };
    Ok(Some(Receiver { user: Some(user), email }))
}
