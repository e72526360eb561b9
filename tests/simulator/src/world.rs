//! What is true: keys, workspaces, rows, the faults that are set, the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::account::{Kind, Provider, Row, Status};
use crate::campaign::{Campaign, CampaignStatus};
use crate::log::{Entry, Moment};
use crate::matching::Slot;
use crate::provider;
use crate::wire::Request;

pub(crate) struct World {
    pub(crate) keys: BTreeMap<(Provider, Vec<u8>), u64>,
    workspaces: u64,
    /// Shared with the snapshots that tests look at; copied only while one of them is alive.
    pub(crate) rows: Arc<BTreeMap<(Provider, String), Row>>,
    /// Puffle's.
    pub(crate) campaigns: Vec<Campaign>,
    pub(crate) faults: Vec<Slot>,
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) connections: [u64; 2],
    order: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            keys: BTreeMap::new(),
            workspaces: 0,
            rows: Arc::default(),
            campaigns: Vec::new(),
            faults: Vec::new(),
            entries: Vec::new(),
            connections: [0; 2],
            order: 0,
        }
    }

    /// The workspace this key opens, made if the key is new.
    pub(crate) fn workspace(&mut self, provider: Provider, key: &[u8]) -> u64 {
        let World { keys, workspaces, .. } = self;
        *keys.entry((provider, key.to_vec())).or_insert_with(|| {
            *workspaces += 1;
            *workspaces
        })
    }

    /// Lets `new` open what `key` opens; whether `key` opens anything.
    pub(crate) fn add_key(&mut self, key: &[u8], new: &[u8]) -> bool {
        let opened: Vec<_> = Provider::ALL
            .into_iter()
            .filter_map(|provider| Some((provider, *self.keys.get(&(provider, key.to_vec()))?)))
            .collect();
        for (provider, workspace) in &opened {
            self.keys.insert((*provider, new.to_vec()), *workspace);
        }
        !opened.is_empty()
    }

    pub(crate) fn revoke_key(&mut self, key: &[u8]) {
        self.keys.retain(|(_, known), _| known != key);
    }

    pub(crate) fn add(&mut self, provider: Provider, key: &[u8], id: &str, kind: Kind, status: Status) {
        let workspace = self.workspace(provider, key);
        let id = provider.canonical(id);
        let row = Row { provider, id: id.clone(), kind, status, workspace, gone: false };
        Arc::make_mut(&mut self.rows).insert((provider, id), row);
    }

    pub(crate) fn add_campaign(&mut self, key: &[u8], id: &str, status: CampaignStatus, senders: &[&str]) {
        let workspace = self.workspace(Provider::Puffle, key);
        self.campaigns.retain(|campaign| campaign.id != id);
        let senders = senders.iter().map(|sender| Provider::Puffle.canonical(sender)).collect();
        self.campaigns.push(Campaign { id: id.to_owned(), status, senders, workspace });
    }

    /// Changes the row of this id, whoever owns it; whether it is there.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Row)) -> bool {
        let row = Provider::ALL
            .into_iter()
            .map(|provider| (provider, provider.canonical(id)))
            .find(|row| self.rows.get(row).is_some_and(|row| !row.gone));
        match row.and_then(|row| Arc::make_mut(&mut self.rows).get_mut(&row)) {
            Some(row) => {
                change(row);
                true
            }
            None => false,
        }
    }

    /// The workspace that the key of this request opens.
    pub(crate) fn opens(&self, provider: Provider, request: &Request) -> Option<u64> {
        let key = provider::key(provider, request)?;
        self.keys.get(&(provider, key)).copied()
    }

    pub(crate) fn row_mut(&mut self, provider: Provider, id: &str, workspace: u64) -> Option<&mut Row> {
        let row = Arc::make_mut(&mut self.rows).get_mut(&(provider, provider.canonical(id)))?;
        (!row.gone && row.workspace == workspace).then_some(row)
    }

    pub(crate) fn rows_of(&self, provider: Provider, workspace: u64) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(move |row| row.provider == provider && row.workspace == workspace && !row.gone)
    }

    pub(crate) fn moment(&mut self) -> Moment {
        self.order += 1;
        Moment { order: self.order, at: Timestamp::now() }
    }

    pub(crate) fn entry_mut(&mut self, seq: u64) -> Option<&mut Entry> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.entries.get_mut(index).map(Arc::make_mut)
    }
}
