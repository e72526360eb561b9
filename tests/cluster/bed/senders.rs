//! Accounts with everything of their own: row, workspace, key, Secret and object, the last two under one name.

use std::sync::atomic::{AtomicU64, Ordering};

use provider_simulator::{Simulator, State, Status};
use sender_operator::crd::FINALIZER;
use serde_json::{Value, json};

use super::{Bed, secret};

/// What kind of account it is, and how it shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    PostPress,
    Email,
    LinkedIn,
    Purge,
}

/// An account, its key, and the name of its Secret and object.
#[derive(Clone, Debug)]
pub struct Sender {
    pub kind: Kind,
    pub name: String,
    pub account: String,
    pub key: String,
}

impl Bed {
    /// An account that is connected, alone in its workspace.
    pub fn sender(&self, kind: Kind, name: &str) -> Sender {
        let sender = self.stranger(kind, name);
        sender.connect(&self.sim, &sender.key);
        sender
    }

    /// One of each kind, named after it.
    pub fn senders(&self) -> Vec<Sender> {
        let kinds = [
            (Kind::PostPress, "postpress"),
            (Kind::Email, "email"),
            (Kind::LinkedIn, "linkedin"),
            (Kind::Purge, "purge"),
        ];
        kinds.map(|(kind, name)| self.sender(kind, name)).into()
    }

    /// An account that is not in the workspace its key opens, nor anywhere else.
    pub fn stranger(&self, kind: Kind, name: &str) -> Sender {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let account = match kind {
            Kind::PostPress => format!("acc_{number}"),
            Kind::Email | Kind::LinkedIn | Kind::Purge => format!("{number:08x}-bf4a-4f6c-8f86-4c3d5e9a0b44"),
        };
        let sender = Sender { kind, name: name.to_owned(), account, key: self.key() };
        sender.open_workspace(&self.sim, &sender.key);
        sender
    }

    /// Waits until objects are born with the finalizer. The API server puts a policy in force some moments after it was
    /// installed, and only then, and for some seconds after the CRD was installed, does it answer 503.
    #[allow(dead_code, reason = "for suites whose policies are installed beside the CRD")]
    pub async fn until_born_with_finalizer(&self) {
        let probe = self.object_of(&self.stranger(Kind::PostPress, "probe"), &json!({})).to_string();
        let create =
            ["-n", &self.namespace, "create", "--dry-run=server", "-o", "jsonpath={.metadata.finalizers}", "-f", "-"];
        let born =
            async || self.plane.kubectl_with_stdin(create, &probe).await.is_ok_and(|born| born.contains(FINALIZER));
        self.eventually("objects are born with the finalizer", born).await;
    }

    /// Creates the Secrets and objects of these.
    pub async fn adopt(&self, senders: &[Sender]) {
        let secrets = senders.iter().map(|sender| sender.secret(&self.sim, &sender.key));
        let objects = senders.iter().map(|sender| self.object_of(sender, &json!({})));
        self.apply_all(&secrets.chain(objects).collect::<Vec<_>>()).await;
    }

    /// Creates the Secrets and objects of these, and waits until each account was seen alive.
    pub async fn adopt_connected(&self, senders: &[Sender]) {
        self.adopt(senders).await;
        for sender in senders {
            self.until_connected(&sender.name).await;
        }
    }

    /// The object of this account, as a manifest with these further fields in its spec.
    pub fn object_of(&self, sender: &Sender, more: &Value) -> Value {
        let account = &sender.account;
        let provider = match sender.kind {
            Kind::PostPress => json!({"postpress": {"accountId": account}}),
            Kind::Email => json!({"puffle": {"accountId": account, "channel": "Email"}}),
            Kind::LinkedIn => json!({"puffle": {"accountId": account, "channel": "LinkedIn"}}),
            Kind::Purge => json!({"puffle": {"accountId": account, "channel": "LinkedIn", "teardown": "Purge"}}),
        };
        self.manifest(&sender.name, &sender.name, &provider, more)
    }

    /// `kubectl delete` of every object, which returns at once.
    pub async fn delete_all(&self) {
        self.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;
    }

    /// Each account ended as its kind shall, by no more DELETEs than that takes.
    pub fn assert_ended(&self, senders: &[Sender]) {
        for sender in senders {
            let (state, _, effective) = self.truth(&sender.account);
            let expected = match sender.kind {
                Kind::LinkedIn => (State::Disconnected, 1),
                Kind::Purge => (State::Gone, 2),
                Kind::PostPress | Kind::Email => (State::Gone, 1),
            };
            assert_eq!((state, effective), expected, "{}", sender.name);
        }
    }

    /// Waits until the objects of these are gone.
    pub async fn until_all_gone(&self, senders: &[Sender]) {
        for sender in senders {
            self.until_gone(&sender.name).await;
        }
    }
}

impl Sender {
    /// The Secret with this key and this simulator behind it, as a manifest.
    pub fn secret(&self, sim: &Simulator, key: &str) -> Value {
        secret(&self.name, &json!({"api-key": key, "base-url": self.url(sim)}))
    }

    /// Where its provider is.
    pub fn url(&self, sim: &Simulator) -> String {
        if self.kind == Kind::PostPress { sim.postpress_url() } else { sim.puffle_url() }
    }

    /// Puts the account's row into the workspace of this key.
    pub fn connect(&self, sim: &Simulator, key: &str) {
        match self.kind {
            Kind::PostPress => {
                sim.postpress().add(key, &self.account);
            }
            Kind::Email => {
                sim.puffle().add_email(key, &self.account);
            }
            Kind::LinkedIn | Kind::Purge => {
                sim.puffle().add_linkedin(key, &self.account, Status::Connected);
            }
        }
    }

    /// Lets this key open a workspace at the account's provider: an empty one, unless it opens one already.
    pub fn open_workspace(&self, sim: &Simulator, key: &str) {
        match self.kind {
            Kind::PostPress => {
                sim.postpress().workspace(key);
            }
            _ => {
                sim.puffle().workspace(key);
            }
        }
    }
}
