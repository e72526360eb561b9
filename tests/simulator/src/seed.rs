//! Workspaces and rows as a document: the same for a seed file and for `POST /rows`.

use serde::Deserialize;

use crate::account::{Kind, Provider, Status};
use crate::simulator::Simulator;

/// What to put into a simulator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// In any order; a key that is known already means its workspace.
    pub workspaces: Vec<SeedWorkspace>,
}

/// One workspace of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedWorkspace {
    /// Whose workspace.
    pub provider: Provider,
    /// The keys that open it; at least one.
    pub keys: Vec<String>,
    /// Its rows.
    #[serde(default)]
    pub accounts: Vec<SeedAccount>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedAccount {
    /// Its id.
    pub id: String,
    /// `linkedin` or `email` at Puffle; left out at PostPress.
    #[serde(default, rename = "type")]
    pub kind: Option<Kind>,
    /// The status the provider shows; connected if left out.
    #[serde(default)]
    pub status: Option<String>,
}

/// Why a seed was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It is not the document it should be.
    #[error(
        "{0}. A seed looks like \
         {{\"workspaces\":[{{\"provider\":\"puffle\",\"keys\":[\"KEY\"],\
         \"accounts\":[{{\"id\":\"UUID\",\"type\":\"linkedin\",\"status\":\"connected\"}}]}}]}}"
    )]
    Format(String),
    /// A workspace nobody can open.
    #[error("a {0} workspace has no keys: give it at least one, \"keys\": [\"KEY\"]")]
    NoKey(Provider),
    /// A row of a type its provider does not have.
    #[error("{provider} account {id:?}: \"type\" must be {wanted}")]
    WrongType {
        /// The account.
        id: String,
        /// Its provider.
        provider: Provider,
        /// What would be right.
        wanted: &'static str,
    },
}

impl Seed {
    /// Reads JSON or YAML.
    ///
    /// # Errors
    /// It is not a seed; the message shows one.
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        serde_yaml::from_str(text).map_err(|error| SeedError::Format(error.to_string()))
    }

    fn check(&self) -> Result<(), SeedError> {
        for workspace in &self.workspaces {
            let provider = workspace.provider;
            if workspace.keys.is_empty() {
                return Err(SeedError::NoKey(provider));
            }
            for account in &workspace.accounts {
                let wanted = match (provider, account.kind) {
                    (Provider::PostPress, None | Some(Kind::PostPress)) => continue,
                    (Provider::Puffle, Some(Kind::LinkedIn | Kind::Email)) => continue,
                    (Provider::PostPress, _) => "left out",
                    (Provider::Puffle, _) => "\"linkedin\" or \"email\"",
                };
                let id = account.id.clone();
                return Err(SeedError::WrongType { id, provider, wanted });
            }
        }
        Ok(())
    }
}

impl Simulator {
    /// Puts all of `seed` in, or nothing.
    ///
    /// # Errors
    /// A workspace without a key, or a row of a type its provider does not have.
    pub fn seed(&self, seed: &Seed) -> Result<(), SeedError> {
        seed.check()?;
        self.shared.update(|world| {
            for workspace in &seed.workspaces {
                let Some((first, others)) = workspace.keys.split_first() else {
                    continue;
                };
                world.workspace(workspace.provider, first.as_bytes());
                for key in others {
                    world.add_key(first.as_bytes(), key.as_bytes());
                }
                for account in &workspace.accounts {
                    let kind = account.kind.unwrap_or(Kind::PostPress);
                    let status = account.status.as_deref().map_or(Status::Connected, Status::parse);
                    world.add(workspace.provider, first.as_bytes(), &account.id, kind, status);
                }
            }
        });
        Ok(())
    }
}
