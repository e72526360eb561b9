//! Puffle's campaigns: what sends with an account, and should be paused before the account goes.

/// How a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignStatus {
    /// It sends.
    Active,
    /// It was paused.
    Paused,
}

impl CampaignStatus {
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) id: String,
    pub(crate) status: CampaignStatus,
    /// The accounts it sends with, in Puffle's spelling.
    pub(crate) senders: Vec<String>,
    pub(crate) workspace: u64,
}
