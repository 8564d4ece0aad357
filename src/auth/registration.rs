//! Who may make an account.

/// Who may make an account on the site: the setting `REGISTRATION`. Invitations and the command line make accounts in both cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    #[default]
    Open,
    /// People whom an admin has [invited](super::doors::invite).
    Invite,
}

/// The words of the setting.
pub const REGISTRATION: [(&str, Registration); 2] = [("open", Registration::Open), ("invite", Registration::Invite)];

impl Registration {
    pub fn is_open(self) -> bool {
        self == Self::Open
    }
}
