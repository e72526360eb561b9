//! The hold on a Secret: a finalizer, so that deleting a namespace cannot take the key away before the accounts are gone.
//!
//! At least one user of a held Secret, its keeper, carries `status.heldSecret`. A keeper that leaves hands the role to
//! another user by a compare-and-swap on that user, which makes that user's own release, if one is under way, fail and
//! look again; the last user takes the hold off. A user that finds no keeper that stays becomes one. Adoption and the
//! last user's leave of one Secret exclude each other, so that neither rests on what the other is about to change. So a
//! crash never leaves an object that can prove nothing, or a Secret that nobody lets go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use crate::account::{Account, Hold};
use crate::args::Config;
use crate::crd::SECRET_FINALIZER;
use crate::finalizer::let_secret_go;
use crate::index::Index;
use crate::kube_io::{ApiFault, KubeIo};

/// What an adoption found or did.
#[derive(Debug, PartialEq, Eq)]
pub enum Adopted {
    /// The Secret is held, by this object or another.
    Held(Option<Hold>),
    /// Holds are turned off.
    Off,
    /// The Secret is not there, or is being deleted without a hold.
    NoSecret,
}

/// How a keeper left.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// It was not a keeper, or another object is now.
    Free,
    /// No other object uses the Secret: the proof is to be written before the hold goes.
    LastUser,
}

/// Puts holds on, hands them on, takes them off.
pub struct SecretHold {
    io: KubeIo,
    index: Arc<Index>,
    config: Arc<Config>,
    turns: Mutex<HashMap<(String, String), Turn>>,
}

/// Held while the hold of one Secret is looked at or changed.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl SecretHold {
    /// Over this connection to the API server.
    pub fn new(io: KubeIo, index: Arc<Index>, config: Arc<Config>) -> Self {
        Self { io, index, config, turns: Mutex::default() }
    }

    /// Makes sure that the Secret of a live object is held, and says whether this object keeps the hold.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn adopt(&self, account: &Account) -> Result<Adopted, ApiFault> {
        let own = account.hold();
        // Another Secret than the one it keeps: hand that one on first.
        let off = !self.config.secret_hold;
        if let Some(hold) = own.as_ref().filter(|hold| off || hold.secret != account.secret)
            && (off || self.leave_secret(account, &hold.secret).await? == Left::LastUser)
        {
            self.take_off(account, &hold.secret).await?;
        }
        if off {
            return Ok(Adopted::Off);
        }
        let turn = self.turn(&account.namespace, &account.secret);
        let _turn = turn.lock().await;
        let secret = match self.io.secret(&account.namespace, &account.secret).await {
            Ok(secret) => secret,
            Err(ApiFault::NotFound) => return Ok(Adopted::NoSecret),
            Err(fault) => return Err(fault),
        };
        let own = own.filter(|hold| hold.secret == account.secret);
        let keeps = Some(Hold { secret: account.secret.clone(), from: None });
        if !is_held(&secret) {
            if secret.metadata.deletion_timestamp.is_some() {
                return Ok(Adopted::NoSecret);
            }
            self.put_on(&secret).await?;
            return Ok(Adopted::Held(own.or(keeps)));
        }
        if own.is_some() {
            return Ok(Adopted::Held(own));
        }
        let stays = |user: &Account| keeps_hold(user) && !user.view.deleting;
        let kept = self.users(account, &account.secret).iter().any(stays);
        Ok(Adopted::Held(keeps.filter(|_| !kept)))
    }

    /// Hands the hold on, if this object keeps one. `kept`: its Secret was seen held.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn leave(&self, account: &Account, kept: bool) -> Result<Left, ApiFault> {
        match account.hold() {
            // A hold that nobody keeps, as a crash can leave one, goes with the last user.
            None if kept && self.config.secret_hold && self.users(account, &account.secret).is_empty() => {
                Ok(Left::LastUser)
            }
            None => Ok(Left::Free),
            Some(hold) => self.leave_secret(account, &hold.secret).await,
        }
    }

    async fn leave_secret(&self, account: &Account, secret: &str) -> Result<Left, ApiFault> {
        let mut users = self.users(account, secret);
        // Who lives longest keeps best.
        users.sort_by_key(|user| user.view.deleting);
        let mut refused = None;
        for user in users {
            match self.hand_on(account, &user, secret).await {
                Ok(true) => return Ok(Left::Free),
                Ok(false) | Err(ApiFault::NotFound) => {}
                Err(fault @ (ApiFault::Refused(_) | ApiFault::Forbidden(_))) => refused = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        refused.map_or(Ok(Left::LastUser), Err)
    }

    /// Makes `to` a keeper. Always a write where another one handed it on before, so that a release of `to` that is
    /// under way fails.
    async fn hand_on(&self, from: &Account, to: &Account, secret: &str) -> Result<bool, ApiFault> {
        let fresh = self.io.get(&to.namespace, &to.name).await?;
        let heir = fresh.account();
        if heir.view.uid != to.view.uid || heir.secret != secret || !heir.view.ours {
            return Ok(false);
        }
        let mut status = heir.raw.status.clone().unwrap_or_default();
        status.held_secret = Some(secret.to_owned());
        status.held_secret_from = Some(from.view.uid.clone());
        self.io.write_status(heir, &status).await.map(|_| true)
    }

    /// The last user takes the hold off.
    ///
    /// # Errors
    /// [`ApiFault::Conflict`] when it is not the last one any more.
    pub async fn take_off(&self, account: &Account, secret: &str) -> Result<(), ApiFault> {
        let turn = self.turn(&account.namespace, secret);
        let _turn = turn.lock().await;
        match self.config.secret_hold && !self.users(account, secret).is_empty() {
            true => Err(ApiFault::Conflict),
            false => let_secret_go(&self.io, &account.namespace, secret).await,
        }
    }

    /// An object is gone without having left: whoever else uses the Secret makes sure of the hold at its next
    /// observation; when nobody does, the hold goes.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn abandoned(&self, namespace: &str, secret: &str) -> Result<(), ApiFault> {
        let turn = self.turn(namespace, secret);
        let _turn = turn.lock().await;
        if self.index.users(namespace, secret).is_empty() {
            let_secret_go(&self.io, namespace, secret).await
        } else {
            Ok(())
        }
    }

    async fn put_on(&self, secret: &Secret) -> Result<(), ApiFault> {
        let operation = match secret.metadata.finalizers.as_deref() {
            None | Some([]) => json!({"op": "add", "path": "/metadata/finalizers", "value": [SECRET_FINALIZER]}),
            Some(_) => json!({"op": "add", "path": "/metadata/finalizers/-", "value": SECRET_FINALIZER}),
        };
        self.io.patch_secret(secret, vec![operation]).await.map(drop)
    }

    /// Whose turn it is to change this Secret's hold.
    fn turn(&self, namespace: &str, secret: &str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry((namespace.to_owned(), secret.to_owned())).or_default())
    }

    /// The other objects that use this Secret and have our finalizer, or will.
    fn users(&self, account: &Account, secret: &str) -> Vec<Account> {
        let users = self.index.users(&account.namespace, secret).into_iter();
        users
            .filter_map(|raw| Account::parse(raw, &self.config).ok())
            .filter(|user| user.view.uid != account.view.uid && (user.view.ours || !user.view.deleting))
            .collect()
    }
}

fn is_held(secret: &Secret) -> bool {
    secret.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == SECRET_FINALIZER)
}

fn keeps_hold(user: &Account) -> bool {
    user.hold().is_some_and(|hold| hold.secret == user.secret)
}
