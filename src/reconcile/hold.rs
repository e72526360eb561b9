//! The hold on a Secret: a finalizer, so that deleting a namespace cannot take the key away before the accounts are gone.
//!
//! At least one user of a held Secret, its keeper, carries `status.heldSecret`. A keeper that leaves hands the role to
//! another user by a compare-and-swap on that user, which makes that user's own release, if one is under way, fail and
//! look again; the last user takes the hold off. A user that finds no keeper that stays becomes one. [`keeper`] decides
//! all this. Who becomes one without being handed the role writes to the Secret, and who takes the hold off looks at the
//! Secret first and then lists its users: so the one fails that rests on what the other has changed. A crash never leaves
//! an object that can prove nothing, or a Secret that nobody lets go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;
use tokio::time::Instant;

use super::shared::Shared;
use crate::account::{Account, Hold};
use crate::args::Config;
use crate::crd::{HOLD_TAKEN_OVER_AT, SECRET_FINALIZER};
use crate::finalizer;
use crate::index::Index;
use crate::keeper::{self, Adoption, Leave, Shown, User};
use crate::kube_io::{ApiFault, KubeIo, SecretUser, annotations};

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
    /// No other object uses the Secret: the proof is to be written, and that this object keeps the hold, before it goes.
    LastUser(Hold),
}

/// Puts holds on, hands them on, takes them off.
pub struct SecretHold {
    io: KubeIo,
    index: Arc<Index>,
    config: Arc<Config>,
    turns: Mutex<HashMap<(String, String), Turn>>,
    lists: Shared<String, Result<Arc<[SecretUser]>, ApiFault>>,
}

/// Held by who adopts a Secret: of many objects that come at once, each would make the others fail.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// How often the last user looks again because somebody else wrote to the Secret.
const TRIES: usize = 8;
/// A Secret that can be held.
const FREE: Shown = Shown { held: false, deleting: false };

impl SecretHold {
    /// Over this connection to the API server.
    pub fn new(io: KubeIo, index: Arc<Index>, config: Arc<Config>) -> Self {
        Self { io, index, config, turns: Mutex::default(), lists: Shared::default() }
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
            && (off || self.leave_secret(account, hold, true).await? != Left::Free)
        {
            match self.take_off(account, &hold.secret).await {
                Err(ApiFault::Conflict) => {
                    return Err(self.unready(account).await?.map_or(ApiFault::Conflict, ApiFault::Refused));
                }
                other => other?,
            }
        }
        if off {
            return Ok(Adopted::Off);
        }
        let turn = self.turn(&account.namespace, &account.secret);
        let _turn = turn.lock().await;
        let secret = self.io.secret_if_any(&account.namespace, &account.secret).await?;
        let own = own.filter(|hold| hold.secret == account.secret);
        let others = self.users(account, &account.secret).map(|user| as_user(&user));
        match (keeper::adopt(secret.as_ref().map(as_shown), own.is_some(), others), &secret) {
            (Adoption::PutOn, Some(secret)) => self.put_on(secret).await.map(drop)?,
            (Adoption::TakeOver, Some(secret)) => self.take_over(secret).await?,
            (Adoption::Held, _) => return Ok(Adopted::Held(own)),
            (_, None) | (Adoption::NoSecret, _) => return Ok(Adopted::NoSecret),
        }
        Ok(Adopted::Held(own.or_else(|| Some(taken(account)))))
    }

    /// Hands the hold on, if this object keeps one or nobody does. `saw_secret`: in this pass.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn leave(&self, account: &Account, saw_secret: bool) -> Result<Left, ApiFault> {
        if account.hold().is_none() && !self.config.secret_hold {
            return Ok(Left::Free);
        }
        self.leave_secret(account, &owed(account), saw_secret).await
    }

    async fn leave_secret(&self, account: &Account, hold: &Hold, saw_secret: bool) -> Result<Left, ApiFault> {
        let users: Vec<_> = self.users(account, &hold.secret).collect();
        let others: Vec<_> = users.iter().map(as_user).collect();
        let order = match keeper::leave(account.hold().is_some(), saw_secret, &others) {
            Leave::Free => return Ok(Left::Free),
            Leave::LastUser => return Ok(Left::LastUser(hold.clone())),
            Leave::HandOn(order) => order,
        };
        let mut refused = None;
        for user in order.into_iter().filter_map(|at| users.get(at)) {
            match self.hand_on(account, user, &hold.secret).await {
                Ok(true) => return Ok(Left::Free),
                Ok(false) | Err(ApiFault::NotFound) => {}
                Err(fault @ (ApiFault::Refused(_) | ApiFault::Forbidden(_))) => refused = Some(fault),
                Err(fault) => return Err(fault),
            }
        }
        refused.map_or_else(|| Ok(Left::LastUser(hold.clone())), Err)
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

    /// The last user takes the hold off. It puts one on where there is none, so that one that is on its way fails.
    ///
    /// # Errors
    /// [`ApiFault::Conflict`] when it is not the last one any more.
    pub async fn take_off(&self, account: &Account, secret: &str) -> Result<(), ApiFault> {
        for _ in 0..TRIES {
            let Some(mut shown) = self.io.secret_if_any(&account.namespace, secret).await? else { return Ok(()) };
            if self.config.secret_hold {
                // The Secret first: who adopts it from now on writes to it.
                let users = self.users_now(&account.namespace).await?;
                if users.iter().any(|user| user.secret == secret && user.uid != account.view.uid) {
                    return Err(ApiFault::Conflict);
                }
                if as_shown(&shown) == FREE && users.iter().any(|user| user.uid == account.view.uid) {
                    match self.put_on(&shown).await {
                        Err(ApiFault::Conflict) => continue,
                        // What we may not put on now was not on its way either.
                        Err(ApiFault::Refused(_) | ApiFault::Forbidden(_)) => return Ok(()),
                        other => shown = other?,
                    }
                }
            }
            match finalizer::let_shown_secret_go(&self.io, &shown).await {
                Err(ApiFault::Conflict) => {}
                other => return other,
            }
        }
        Err(ApiFault::Conflict)
    }

    /// Why the hold that this object leaves can be handed to nobody, if that is so: another object uses the Secret and has
    /// not got our finalizer.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn unready(&self, account: &Account) -> Result<Option<String>, ApiFault> {
        let secret = owed(account).secret;
        let users = self.users_now(&account.namespace).await?;
        let unready = users.iter().find(|user| user.secret == secret && !user.ours && user.uid != account.view.uid);
        Ok(unready.map(|user| {
            format!("Secret {secret} is used by {}, to which the operator could not add its finalizer yet", user.name)
        }))
    }

    /// An object is gone without having left: whoever else uses the Secret makes sure of the hold at its next
    /// observation; when nobody does, the hold goes.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn abandoned(&self, namespace: &str, secret: &str) -> Result<(), ApiFault> {
        let Some(shown) = self.io.secret_if_any(namespace, secret).await? else { return Ok(()) };
        if !as_shown(&shown).held || self.users_now(namespace).await?.iter().any(|user| user.secret == secret) {
            return Ok(());
        }
        finalizer::let_shown_secret_go(&self.io, &shown).await
    }

    /// The users of a namespace's Secrets by a list that begins now, shared by all that ask meanwhile.
    async fn users_now(&self, namespace: &str) -> Result<Arc<[SecretUser]>, ApiFault> {
        let list = async || self.io.users(namespace).await.map(Arc::from);
        self.lists.get(&namespace.to_owned(), Instant::now(), list).await
    }

    /// Writes to a held Secret, so that a removal of the hold fails that is under way, even one that nobody waits for.
    async fn take_over(&self, secret: &Secret) -> Result<(), ApiFault> {
        let operation = annotations::set(&secret.metadata, HOLD_TAKEN_OVER_AT, &super::now().to_string());
        self.patch(secret, operation).await.map(drop)
    }

    async fn put_on(&self, secret: &Secret) -> Result<Secret, ApiFault> {
        let finalizers = secret.metadata.finalizers.as_deref().unwrap_or_default();
        self.patch(secret, finalizer::addition(finalizers, SECRET_FINALIZER)).await
    }

    async fn patch(&self, secret: &Secret, operation: Value) -> Result<Secret, ApiFault> {
        match self.io.patch_secret(secret, vec![operation]).await {
            // The Secret is gone, not the object.
            Err(ApiFault::NotFound) => Err(ApiFault::Conflict),
            other => other,
        }
    }

    fn turn(&self, namespace: &str, secret: &str) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry((namespace.to_owned(), secret.to_owned())).or_default())
    }

    /// The other objects that use this Secret and have our finalizer, or will.
    fn users(&self, account: &Account, secret: &str) -> impl Iterator<Item = Account> {
        let users = self.index.users(&account.namespace, secret).into_iter();
        users
            .filter_map(|raw| Account::parse(raw, &self.config).ok())
            .filter(|user| user.view.uid != account.view.uid && user.is_or_will_be_ours())
    }
}

fn as_shown(secret: &Secret) -> Shown {
    let finalizers = secret.metadata.finalizers.as_deref().unwrap_or_default();
    Shown {
        held: finalizers.iter().any(|finalizer| finalizer == SECRET_FINALIZER),
        deleting: secret.metadata.deletion_timestamp.is_some(),
    }
}

/// The hold that an object keeps without being handed it.
fn taken(account: &Account) -> Hold {
    Hold { secret: account.secret.clone(), from: None }
}

/// The hold that an object answers for when it leaves: the one that it keeps, or that nobody may keep.
pub fn owed(account: &Account) -> Hold {
    account.hold().unwrap_or_else(|| taken(account))
}

fn as_user(account: &Account) -> User {
    User {
        deleting: account.view.deleting,
        keeps: account.hold().is_some_and(|hold| hold.secret == account.secret),
        proved: account.view.ledger.is_confirmed(),
    }
}
