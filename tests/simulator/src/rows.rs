//! Putting keys and rows in.

use crate::account::{Kind, Provider, Status};
use crate::campaign::CampaignStatus;
use crate::shared::Shared;

/// PostPress' keys and rows.
pub struct PostPress<'a> {
    pub(crate) shared: &'a Shared,
}

impl PostPress<'_> {
    /// Lets `key` open a workspace: a new and empty one, unless it opens one already.
    pub fn workspace(&self, key: impl AsRef<[u8]>) -> &Self {
        self.shared.update(|world| world.workspace(Provider::PostPress, key.as_ref()));
        self
    }

    /// Puts a row into the workspace of `key`, in place of one of the same id.
    pub fn add(&self, key: impl AsRef<[u8]>, id: &str) -> &Self {
        self.shared
            .update(|world| world.add(Provider::PostPress, key.as_ref(), id, Kind::PostPress, Status::Connected));
        self
    }
}

/// Puffle's keys and rows.
pub struct Puffle<'a> {
    pub(crate) shared: &'a Shared,
}

impl Puffle<'_> {
    /// Lets `key` open a workspace: a new and empty one, unless it opens one already.
    pub fn workspace(&self, key: impl AsRef<[u8]>) -> &Self {
        self.shared.update(|world| world.workspace(Provider::Puffle, key.as_ref()));
        self
    }

    /// Puts a LinkedIn row into the workspace of `key`, in place of one of the same id.
    pub fn add_linkedin(&self, key: impl AsRef<[u8]>, id: &str, status: Status) -> &Self {
        self.shared.update(|world| world.add(Provider::Puffle, key.as_ref(), id, Kind::LinkedIn, status));
        self
    }

    /// Puts an Email row into the workspace of `key`, in place of one of the same id.
    pub fn add_email(&self, key: impl AsRef<[u8]>, id: &str) -> &Self {
        self.shared.update(|world| world.add(Provider::Puffle, key.as_ref(), id, Kind::Email, Status::Connected));
        self
    }

    /// Puts a campaign that sends with these accounts into the workspace of `key`, in place of one of the same id.
    pub fn add_campaign(&self, key: impl AsRef<[u8]>, id: &str, status: CampaignStatus, senders: &[&str]) -> &Self {
        self.shared.update(|world| world.add_campaign(key.as_ref(), id, status, senders));
        self
    }

    /// How a campaign stands, whatever any answer said.
    pub fn campaign(&self, id: &str) -> Option<CampaignStatus> {
        self.shared.read(|world| world.campaigns.iter().find(|campaign| campaign.id == id).map(|it| it.status))
    }
}
