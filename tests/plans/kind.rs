//! What is deleted, and what must be true of it in the end.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, DynamicObject, PostParams};
use provider_simulator::{Log, Provider, State, Status};
use serde_json::{Value, json};

use crate::bed::{Bed, EMAIL, LINKEDIN};

/// A kind of deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A PostPress account.
    PostPress,
    /// A mailbox.
    Email,
    /// A connected LinkedIn sender, to be disconnected.
    Disconnect,
    /// A LinkedIn sender that is disconnected already.
    Disconnected,
    /// A LinkedIn sender, to be destroyed.
    Purge,
    /// A PostPress account whose object keeps the hold on a Secret that another, living object uses, too.
    Keeper,
}

/// The object that is deleted.
pub const SUBJECT: &str = "subject";
/// The living object beside it, where there is one.
pub const HEIR: &str = "heir";
/// Their Secret.
pub const SECRET: &str = "key";
const POSTPRESS: &str = "acc_subject";
const HEIRLOOM: &str = "acc_heir";

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::PostPress, Self::Email, Self::Disconnect, Self::Disconnected, Self::Purge, Self::Keeper];

    /// The provider's id of the account.
    pub fn account(self) -> &'static str {
        match self {
            Self::PostPress | Self::Keeper => POSTPRESS,
            Self::Email => EMAIL,
            Self::Disconnect | Self::Disconnected | Self::Purge => LINKEDIN,
        }
    }

    /// The provider's id of one of several accounts.
    pub fn nth_account(self, number: usize) -> String {
        match self {
            Self::PostPress | Self::Keeper => format!("acc_{number}"),
            _ => format!("{number:08x}-bf4a-4f6c-8f86-4c3d5e9a0b44"),
        }
    }

    /// What the object shows before it is deleted.
    pub fn at_rest(self) -> &'static str {
        if self == Self::Disconnected { "AccountDisconnected" } else { "AccountConnected" }
    }

    /// Whether a repeated DELETE would do harm, so that each is written down first.
    pub fn is_written_ahead(self) -> bool {
        matches!(self, Self::Disconnect | Self::Disconnected)
    }

    /// Creates account, Secret and object.
    pub async fn create(self, bed: &Bed, name: &str, account: &str, secret: &str, key: &str) {
        bed.create_secret(secret, key, &self.base_url(bed)).await;
        self.create_object(bed, name, account, secret, key).await;
    }

    /// Creates account and object; the Secret is there, or is still to come.
    pub async fn create_object(self, bed: &Bed, name: &str, account: &str, secret: &str, key: &str) {
        let provider = match self {
            Self::PostPress | Self::Keeper => {
                bed.sim.postpress().add(key, account);
                json!({"postpress": {"accountId": account}})
            }
            Self::Email => {
                bed.sim.puffle().add_email(key, account);
                json!({"puffle": {"accountId": account, "channel": "Email"}})
            }
            Self::Disconnect | Self::Disconnected | Self::Purge => {
                let status = if self == Self::Disconnected { Status::Disconnected } else { Status::Connected };
                bed.sim.puffle().add_linkedin(key, account, status);
                let teardown = if self == Self::Purge { "Purge" } else { "Disconnect" };
                json!({"puffle": {"accountId": account, "channel": "LinkedIn", "teardown": teardown}})
            }
        };
        bed.create_object(name, secret, &provider).await;
    }

    /// Whose account it is.
    pub fn provider(self) -> Provider {
        match self {
            Self::PostPress | Self::Keeper => Provider::PostPress,
            Self::Email | Self::Disconnect | Self::Disconnected | Self::Purge => Provider::Puffle,
        }
    }

    /// Where its provider is.
    pub fn base_url(self, bed: &Bed) -> String {
        match self.provider() {
            Provider::PostPress => bed.sim.postpress_url(),
            Provider::Puffle => bed.sim.puffle_url(),
        }
    }

    /// Creates the living object beside it, of an account in the same workspace.
    pub async fn create_heir(self, bed: &Bed, key: &str) {
        bed.sim.postpress().add(key, HEIRLOOM);
        bed.create_object(HEIR, SECRET, &json!({"postpress": {"accountId": HEIRLOOM}})).await;
    }

    /// What became of this account: its state and its effective DELETEs must be those of an undisturbed deletion.
    pub fn check(self, log: &Log, account: &str) {
        let (state, effective) = match self {
            Self::PostPress | Self::Email | Self::Keeper => (State::Gone, 1),
            Self::Disconnect => (State::Disconnected, 1),
            Self::Disconnected => (State::Disconnected, 0),
            Self::Purge => (State::Gone, 2),
        };
        assert_eq!(log.state(account), state, "what became of {account}");
        assert_eq!(log.effective_deletes(account).len(), effective, "effective DELETEs of {account}");
        if self == Self::Disconnected {
            assert_eq!(log.deletes(account).len(), 0, "nothing is sent to what is disconnected already");
        }
        if self == Self::Keeper {
            assert_eq!(log.state(HEIRLOOM), State::Connected, "the living object's account");
        }
    }
}

/// Through the client: a plan must not spend its time on starting kubectl.
impl Bed {
    /// A Secret with this key and endpoint.
    pub async fn create_secret(&self, name: &str, key: &str, base_url: &str) {
        let secret = json!({"metadata": {"name": name}, "stringData": {"api-key": key, "base-url": base_url}});
        let secret: Secret = serde_json::from_value(secret).expect("a Secret");
        let secrets = Api::<Secret>::namespaced(self.client.clone(), &self.namespace);
        secrets.create(&PostParams::default(), &secret).await.expect("a Secret is created");
    }

    async fn create_object(&self, name: &str, secret: &str, provider: &Value) {
        let spec = json!({"provider": provider, "credentialsRef": {"name": secret}});
        let object = json!({"apiVersion": "sender-operator.dev/v1alpha1", "kind": "SenderAccount",
            "metadata": {"name": name}, "spec": spec});
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        self.accounts().create(&PostParams::default(), &object).await.expect("an object is created");
    }

    /// Marks the object for deletion.
    pub async fn mark(&self, name: &str) {
        self.accounts().delete(name, &DeleteParams::default()).await.expect("it is there");
    }

    /// The finalizers of the Secret.
    pub async fn secret_finalizers(&self, name: &str) -> Vec<String> {
        let secrets = Api::<Secret>::namespaced(self.client.clone(), &self.namespace);
        secrets.get(name).await.expect("the Secret is there").metadata.finalizers.unwrap_or_default()
    }
}
