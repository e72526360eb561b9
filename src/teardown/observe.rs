//! What a read of the account leaves in the ledger: evidence, or the loss of it.

use std::time::Duration;

use jiff::Timestamp;

use super::ledger::{AccountRecord, AccountState, EVIDENCE_REFRESH, age};
use super::outcome::{Exchange, Outcome, Refusal};
use super::settle::SECRET_POLL;
use super::target::Kind;
use super::view::{Known, View};

/// What the ledger says of the account after `read`, which went out under `known`.
///
/// Evidence is written anew only when it says something else or is 12 h old, so that an object at rest is not written.
pub fn settle(view: &View, known: &Known, read: &Exchange, now: Timestamp) -> AccountRecord {
    let mut account = view.ledger.account.clone().unwrap_or_else(|| unread(view));
    match read.outcome {
        Outcome::Alive => {
            account.state = AccountState::Connected;
            bear_witness(&mut account, known, now);
        }
        Outcome::SoftGone => {
            account.state = AccountState::Disconnected;
            // For Purge the row is what must go, and this key sees it.
            if view.kind() == Kind::Purge {
                bear_witness(&mut account, known, now);
            }
        }
        Outcome::Gone => account.state = AccountState::Missing,
        Outcome::Refused(why) => {
            account.state = AccountState::Unknown;
            // Seen by this key, and no evidence of the account that was declared.
            if why == Refusal::WrongChannel {
                account.wrong_channel_since.get_or_insert(now);
                account.alive_at = None;
                seen_under(&mut account, known);
            }
        }
        Outcome::Acked | Outcome::NotSent(_) | Outcome::Unknown(_) | Outcome::Throttled => {}
    }
    if read.outcome.shows_declared_channel() {
        account.wrong_channel_since = None;
    }
    distrust_after_refusal(&mut account, read);
    account
}

/// A 401 or 403 in between makes an older sight worthless: the key may have come back for another workspace.
/// The fingerprint stays, as a mark that the account was once seen alive under it.
pub(super) fn distrust_after_refusal(account: &mut AccountRecord, exchange: &Exchange) {
    let refused =
        matches!(exchange.outcome, Outcome::Refused(Refusal::Credentials | Refusal::Forbidden | Refusal::AccountLogin));
    if refused || matches!(exchange.http_status, Some(401 | 403)) {
        account.alive_at = None;
    }
}

/// How soon a live object is read again.
pub fn interval(reason: crate::reason::Reason, usual: Duration) -> Duration {
    /// While the provider cannot be asked.
    const FAILING: Duration = Duration::from_secs(5 * 60);
    use crate::reason::Reason;
    match reason {
        Reason::AccountConnected | Reason::AccountDisconnected | Reason::Suspended => usual,
        reason if reason.blames_secret() => usual.min(SECRET_POLL),
        _ => usual.min(FAILING),
    }
}

/// An account of which nothing is known yet.
pub fn unread(view: &View) -> AccountRecord {
    AccountRecord {
        uid: view.uid.clone(),
        provider: view.target.provider().as_str().to_owned(),
        state: AccountState::Unknown,
        alive_at: None,
        fingerprint: None,
        endpoint: None,
        wrong_channel_since: None,
    }
}

fn bear_witness(account: &mut AccountRecord, known: &Known, now: Timestamp) {
    let same = account.fingerprint.as_ref() == Some(&known.fingerprint);
    if !same || account.alive_at.is_none_or(|at| at > now || age(at, now) >= EVIDENCE_REFRESH) {
        account.alive_at = Some(now);
    }
    seen_under(account, known);
}

fn seen_under(account: &mut AccountRecord, known: &Known) {
    account.fingerprint = Some(known.fingerprint.clone());
    account.endpoint = Some(known.endpoint.clone());
}
