//! The API: `SenderAccount`, its rules and its names. Types only; the manifest under `crds/` is generated from here.

// One `type_` or `json_path` per column is no duplicate.
#![allow(clippy::duplicated_attributes)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::teardown::ledger::{AccountRecord, Teardown};

/// On a `SenderAccount`: the account is not proved gone yet.
pub const FINALIZER: &str = "sender-operator.dev/teardown";
/// On a Secret: a `SenderAccount` needs its key.
pub const SECRET_FINALIZER: &str = "sender-operator.dev/in-use";
/// Annotation on such a Secret: when another `SenderAccount` began to keep its hold without being handed it.
pub const HOLD_TAKEN_OVER_AT: &str = "sender-operator.dev/hold-taken-over-at";
/// Annotation: try again now. Flux's convention.
pub const REQUESTED_AT: &str = "reconcile.sender-operator.dev/requestedAt";
/// Annotation prefix: the deletion waits until whoever put it there takes it away.
pub const PRE_DELETE_HOOK: &str = "pre-delete.hook.sender-operator.dev/";
/// Annotation: the account id, to confirm an irreversible deletion where the operator asks for it.
pub const CONFIRM_DELETION: &str = "sender-operator.dev/confirm-deletion";
/// Annotation: deletions that were marked at this time or before may exceed the operator's deletion budget.
pub const EXCEED_BUDGET: &str = "sender-operator.dev/exceed-deletion-budget";
/// Annotation: why an account was let go; copied into the receipt.
pub const ORPHAN_REASON: &str = "sender-operator.dev/orphan-reason";
/// Annotation: who set `deletionPolicy` to Orphan; written by an admission policy alone, copied into the receipt.
pub const ORPHANED_BY: &str = "sender-operator.dev/orphaned-by";
/// Annotation on the CRD: its deletion may delete accounts.
pub const ALLOW_CRD_DELETION: &str = "sender-operator.dev/allow-crd-deletion";
/// `metadata.name` of the CRD.
pub const CRD_NAME: &str = "senderaccounts.sender-operator.dev";
/// How the CRD is installed, for whoever misses it.
pub const INSTALL_CRD: &str = "helm upgrade with crds.enabled, or sender-operator crd | kubectl apply -f -";
/// Key of the Secret that holds the provider's API key.
pub const API_KEY: &str = "api-key";
/// Optional key of the Secret that holds the endpoint's whole prefix.
pub const BASE_URL: &str = "base-url";

/// Puffle's own pattern for an account's id, from its page "Delete a connected account".
const PUFFLE_ID: &str = "^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$";

/// A sender account that people connected at a provider, adopted into Kubernetes: when this object is deleted, the
/// account is deleted at the provider, and only then does the object go.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "sender-operator.dev",
    version = "v1alpha1",
    kind = "SenderAccount",
    plural = "senderaccounts",
    shortname = "sacc",
    category = "sender",
    namespaced,
    status = "SenderAccountStatus",
    doc = "A sender account that people connected at a provider: when this object is deleted, the account is deleted at the provider, and only then does the object go.",
    validation = ("!has(self.status) || !has(self.status.teardown) || self.status.teardown.attempt == 0 || !has(self.spec.provider.puffle) || !has(oldSelf.spec.provider.puffle) || (has(self.spec.provider.puffle.teardown) && self.spec.provider.puffle.teardown == 'Purge') == (has(oldSelf.spec.provider.puffle.teardown) && oldSelf.spec.provider.puffle.teardown == 'Purge')",
        "teardown cannot change any more: a DELETE was or may have been sent; write what was there, or set deletionPolicy to Orphan to let the account be"),
    selectable = ".spec.provider.postpress.accountId",
    selectable = ".spec.provider.puffle.accountId",
    printcolumn(name = "Provider", type_ = "string", json_path = ".status.account.provider"),
    printcolumn(name = "Account", type_ = "string", json_path = ".spec.provider.*.accountId"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Attempts", type_ = "integer", json_path = ".status.teardown.attempt", priority = 1),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.teardown.nextAttemptAt", priority = 1),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".status.account.endpoint", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("!has(oldSelf.provider.postpress) || (has(self.provider.postpress) && self.provider.postpress.accountId == oldSelf.provider.postpress.accountId)",
        "the provider and its accountId are immutable: set deletionPolicy to Orphan, delete this object and create another one"),
    validation = ("!has(oldSelf.provider.puffle) || (has(self.provider.puffle) && self.provider.puffle.accountId == oldSelf.provider.puffle.accountId && self.provider.puffle.channel == oldSelf.provider.puffle.channel)",
        "the provider, its accountId and its channel are immutable: set deletionPolicy to Orphan, delete this object and create another one"),
    validation = ("!has(self.afterUnknownOutcome) || self.afterUnknownOutcome == 'Resend' || (has(self.provider.puffle) && self.provider.puffle.channel == 'LinkedIn' && (!has(self.provider.puffle.teardown) || self.provider.puffle.teardown == 'Disconnect'))",
        "afterUnknownOutcome: Hold means something only for provider.puffle with channel LinkedIn and teardown Disconnect: remove it, or write Resend")
)]
pub struct SenderAccountSpec {
    /// Whose account it is: exactly one member. Which one, accountId and channel are immutable.
    pub provider: ProviderRef,
    /// The Secret with the provider's API key (key `api-key`, optional key `base-url`), in this namespace.
    pub credentials_ref: CredentialsRef,
    /// What deleting this object means: Delete the account, or Orphan it (let it live on).
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// While true the account is not touched, also when this object is marked for deletion.
    #[serde(default)]
    pub deletion_protection: bool,
    /// What it means that the provider does not know the account, and nothing proves that this key ever saw it:
    /// Hold (wait for a person) or Release.
    #[serde(default)]
    pub on_not_found: OnNotFound,
    /// What follows a DELETE whose answer was lost, where a second one could destroy what the first disconnected:
    /// Resend (after the outcome window and a read that shows it still connected) or Hold (wait for a person).
    #[serde(default)]
    pub after_unknown_outcome: AfterUnknownOutcome,
    /// While true no provider call is made at all, reads included; a deletion waits.
    #[serde(default)]
    pub suspend: bool,
}

/// Exactly one provider.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("[has(self.postpress), has(self.puffle)].exists_one(x, x)",
    "write exactly one provider: provider.postpress or provider.puffle"))]
pub struct ProviderRef {
    /// An account at PostPress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postpress: Option<PostPress>,
    /// An account at Puffle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puffle: Option<Puffle>,
}

/// An account at PostPress.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = (r"self.accountId.matches('^[!-~]+$') && !self.accountId.matches('[/?#%\\\\]') && !(self.accountId in ['.', '..'])",
    "write accountId as PostPress shows it: printable ASCII without white space and without / ? # % or backslash"))]
pub struct PostPress {
    /// The id as PostPress shows it.
    #[schemars(length(max = 128))]
    pub account_id: String,
}

/// An account at Puffle.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = (format!("self.accountId.matches('{PUFFLE_ID}')").as_str(), "write accountId as Puffle shows it: a UUID such as 0b4f6f0e-8c1d-4c39-9c53-1f0a2f6d7e11"),
    validation = ("!has(self.teardown) || self.channel == 'LinkedIn'", "teardown means something only for channel LinkedIn: remove it")
)]
pub struct Puffle {
    /// The id as Puffle shows it.
    // A bound that fails hides the rule that says what to write, so it is looser than the rule.
    #[schemars(length(max = 128))]
    pub account_id: String,
    /// What kind of account it is.
    pub channel: Channel,
    /// LinkedIn only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teardown: Option<LinkedInTeardown>,
}

/// The kind of a Puffle account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Channel {
    /// A LinkedIn sender.
    LinkedIn,
    /// A mailbox.
    Email,
}

/// How a LinkedIn sender ends: Disconnect (when absent) disconnects it once, and its campaign history stays; Purge
/// disconnects it and then destroys it for good, with its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LinkedInTeardown {
    /// Disconnected; its history stays.
    Disconnect,
    /// Destroyed.
    Purge,
}

/// A Secret in the object's own namespace.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = ("!format.dns1123Subdomain().validate(self.name).hasValue()", "write credentialsRef.name as the name of a Secret in this namespace: lower case letters, digits, - and ."))]
pub struct CredentialsRef {
    /// The Secret's name.
    #[schemars(length(max = 253))]
    pub name: String,
}

/// What deleting the object means for the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// The account is deleted.
    #[default]
    Delete,
    /// The account lives on.
    Orphan,
}

/// What an unproved 404 means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum OnNotFound {
    /// Wait for a person.
    #[default]
    Hold,
    /// Let the object go.
    Release,
}

/// What follows a DELETE whose answer was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AfterUnknownOutcome {
    /// Send again after the outcome window, if a read shows the account still connected.
    #[default]
    Resend,
    /// Wait for a person.
    Hold,
}

/// What the operator knows.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SenderAccountStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling and Stalled (kstatus); Deleted while a teardown runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
    /// What reads of the account have shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountRecord>,
    /// On at least one user of each held Secret: the Secret whose hold this object keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub held_secret: Option<String>,
    /// The uid of the object that handed the hold on to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub held_secret_from: Option<String>,
    /// The last value of the annotation reconcile.sender-operator.dev/requestedAt that was acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_handled_reconcile_at: Option<String>,
    /// How far the teardown is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teardown: Option<Teardown>,
}

/// The CRD as it is installed: kube's, with every string bounded and without the schema's own union, whose message says
/// nothing (the CEL rule says what to write), and with a status that no operator has looked at yet.
pub fn manifest() -> Value {
    let mut crd = json!(SenderAccount::crd());
    bound(&mut crd);
    let status = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/status");
    if let Some(status) = status.and_then(Value::as_object_mut) {
        // Without it kstatus takes a new object for a finished one; Flux' own kinds have it, too.
        status.insert("default".to_owned(), json!({"observedGeneration": NOT_OBSERVED}));
    }
    crd
}

/// The `status.observedGeneration` of an object that no operator has looked at yet: no generation at all.
const NOT_OBSERVED: i64 = -1;

/// The longest string that is stored where no rule says less: a Condition's message (Kubernetes API conventions).
const LONGEST: u32 = 32_768;

fn bound(schema: &mut Value) {
    if let Value::Object(map) = schema {
        let is_string = map.get("type") == Some(&json!("string")) && !map.contains_key("jsonPath");
        if is_string && !map.contains_key("maxLength") && !map.contains_key("enum") {
            map.insert("maxLength".into(), json!(LONGEST));
        }
        map.values_mut().for_each(bound);
    } else if let Value::Array(items) = schema {
        items.iter_mut().for_each(bound);
    }
}
