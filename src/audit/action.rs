use crate::word_enum::word_enum;

word_enum! {
    /// What the audit log notes. The database has the words on the right, so a word never changes.
    pub enum Action {
        SignIn = "sign_in",
        SignUp = "sign_up",
        /// An account has to wait, because the password was wrong too often.
        SignInsSlowed = "sign_ins_slowed",
        PasswordChanged = "password_changed",
        PasswordSet = "password_set",
        AddressConfirmed = "address_confirmed",
        AddressChanged = "address_changed",
        SessionsEnded = "sessions_ended",
        RoleChanged = "role_changed",
        AccountDisabled = "account_disabled",
        AccountEnabled = "account_enabled",
        AccountErased = "account_erased",
        SecondFactorOn = "second_factor_on",
        SecondFactorOff = "second_factor_off",
        SecondFactorReset = "second_factor_reset",
        RecoveryCodeUsed = "recovery_code_used",
        RecoveryCodesRenewed = "recovery_codes_renewed",
        ProviderConnected = "provider_connected",
        ProviderDisconnected = "provider_disconnected",
        ApiTokenCreated = "api_token_created",
        ApiTokenChanged = "api_token_changed",
        ApiTokenRevoked = "api_token_revoked",
        CampaignsMerged = "campaigns_merged",
        CampaignsUnmerged = "campaigns_unmerged",
        ReferralLinkCreated = "referral_link_created",
        ReferralLinkDisabled = "referral_link_disabled",
        DataExported = "data_exported",
        TouchesReclassified = "touches_reclassified",
        OldDataRemoved = "old_data_removed",
        LeadsImported = "leads_imported",
        SampleDataAdded = "sample_data_added",
        SampleDataRemoved = "sample_data_removed",
    }
}

impl Action {
    /// Returns the words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SignIn => "Signed in",
            Self::SignUp => "Signed up",
            Self::SignInsSlowed => "Sign-ins slowed down",
            Self::PasswordChanged => "Password changed",
            Self::PasswordSet => "Password set",
            Self::AddressConfirmed => "Address confirmed",
            Self::AddressChanged => "Address changed",
            Self::SessionsEnded => "Sessions ended",
            Self::RoleChanged => "Role changed",
            Self::AccountDisabled => "Account disabled",
            Self::AccountEnabled => "Account enabled",
            Self::AccountErased => "Account erased",
            Self::SecondFactorOn => "Second factor turned on",
            Self::SecondFactorOff => "Second factor turned off",
            Self::SecondFactorReset => "Second factor reset",
            Self::RecoveryCodeUsed => "Recovery code used",
            Self::RecoveryCodesRenewed => "Recovery codes renewed",
            Self::ProviderConnected => "Provider connected",
            Self::ProviderDisconnected => "Provider disconnected",
            Self::ApiTokenCreated => "API token created",
            Self::ApiTokenChanged => "API token changed",
            Self::ApiTokenRevoked => "API token revoked",
            Self::CampaignsMerged => "Campaigns merged",
            Self::CampaignsUnmerged => "Merge of campaigns undone",
            Self::ReferralLinkCreated => "Referral link created",
            Self::ReferralLinkDisabled => "Referral link disabled",
            Self::DataExported => "Data exported",
            Self::TouchesReclassified => "Touches reclassified",
            Self::OldDataRemoved => "Old data removed",
            Self::LeadsImported => "Leads imported",
            Self::SampleDataAdded => "Sample data added",
            Self::SampleDataRemoved => "Sample data removed",
        }
    }
}
