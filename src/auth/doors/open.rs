use crate::mail::MailSettings;

/// Whether mail goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailDoors {
    /// There is no mail, so the doors are closed.
    Closed,
    /// Mail of a developer's machine is kept and not sent. The doors are open. A sign-up signs in at once, as without mail.
    Kept,
    /// Mail is sent. The doors are open, and a sign-up gets the same response whether an account has the address or not.
    Open,
}

impl MailDoors {
    pub fn of(settings: &MailSettings) -> Self {
        match (&settings.route, settings.configured) {
            (None, _) => Self::Closed,
            (Some(_), false) => Self::Kept,
            (Some(_), true) => Self::Open,
        }
    }

    pub fn are_open(self) -> bool {
        self != Self::Closed
    }
}
