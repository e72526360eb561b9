//! The one closed vocabulary: condition reason, Event reason, metric label and log field are these words and no others.

mod of_outcome;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who must act before a waiting object can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Nobody: it goes on by itself, or it is done.
    Nobody,
    /// Whoever owns the object.
    User,
    /// Whoever owns the Secret.
    Credentials,
    /// PostPress or Puffle.
    Provider,
    /// Whoever runs the cluster or this operator.
    Platform,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $actor:ident, $what:expr, $how:expr;)+) => {
        /// Why an object is in the state it is in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word itself.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Who must act.
            pub fn actor(self) -> Actor {
                match self { $(Self::$name => Actor::$actor,)+ }
            }

            /// What happened, and what to type; `{…}` stand for the object's own words.
            fn template(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($what, $how),)+ }
            }
        }
    };
}

const RETRY: &str = "to try at once: kubectl annotate sacc {name} -n {namespace} --overwrite reconcile.sender-operator.dev/requestedAt=\"$(date +%s)\"";
const ORPHAN: &str = "to let the account live on without this object: kubectl patch sacc {name} -n {namespace} --type merge -p '{\"spec\":{\"deletionPolicy\":\"Orphan\"}}'";
const MEND_SECRET: &str = "mend Secret {secret}; it is read again within a minute";
const NOT_FOUND: &str = "if you know that it is gone: kubectl patch sacc {name} -n {namespace} --type merge -p '{\"spec\":{\"onNotFound\":\"Release\"}}'";

reasons! {
    /// The account is there and connected.
    AccountConnected => Nobody, "the account is connected", "";
    /// The account is there, disconnected.
    AccountDisconnected => User, "the account is there but disconnected at the provider", "reconnect it at the provider, or delete this object";
    /// The provider does not show the account.
    AccountMissing => User, "the provider does not show this account to this key", "check spec.provider's accountId and the workspace of the key in Secret {secret}";
    /// `spec.suspend` is set.
    Suspended => User, "spec.suspend is true: no provider call is made", "to go on: kubectl patch sacc {name} -n {namespace} --type merge -p '{\"spec\":{\"suspend\":false}}'";
    /// The stored object cannot be understood.
    InvalidObject => User, "the stored object cannot be read as a SenderAccount: {subject}", "mend the field, or delete the object and create a corrected one";

    /// The Secret is not there.
    SecretMissing => Credentials, "Secret {secret} does not exist in namespace {namespace}", "create it with key api-key: kubectl create secret generic {secret} -n {namespace} --from-file=api-key=FILE";
    /// The Secret is not there, and its namespace is going.
    SecretGone => User, "Secret {secret} does not exist and its namespace is being deleted, so it cannot come back", ORPHAN;
    /// The operator may not read the Secret.
    SecretForbidden => Platform, "the operator may not read Secret {secret}", "grant its ServiceAccount `get` and `patch` on Secrets in namespace {namespace}";
    /// The Secret has no `api-key`.
    ApiKeyMissing => Credentials, "Secret {secret} has no key api-key, or it is empty", MEND_SECRET;
    /// The `api-key` cannot be sent as it is, or must not be.
    ApiKeyMalformed => Credentials, "api-key in Secret {secret} is not sent: {subject}", "store the key of this object's provider alone, without a newline (printf %s, not echo); it is read again within a minute";
    /// The `base-url` is not a base URL.
    BaseUrlMalformed => Credentials, "base-url in Secret {secret} is not usable: {subject}", "write https://HOST/PREFIX or remove base-url; it is read again within a minute";
    /// The `base-url` names a host that the operator was not told to trust.
    HostNotAllowed => Credentials, "base-url in Secret {secret} names a host that is not allowed: {subject}", "correct base-url, or ask whoever runs the operator for --allowed-host";
    /// The provider refuses the key.
    CredentialsInvalid => Credentials, "the provider refuses the key api-key in Secret {secret} (401)", "store a valid key; the Secret is read again within a minute";
    /// The key lacks a right.
    CredentialsForbidden => Credentials, "the key api-key in Secret {secret} may not do this at the provider", "give it the scope to read and delete accounts, or store another key; the Secret is read again within a minute";
    /// The key is another one than the one that saw the account alive.
    CredentialsChanged => Credentials, "the account was seen alive with another key or endpoint than Secret {secret} holds now, so its absence proves nothing", "store the key of the account's own workspace in Secret {secret}; or, if the account may live on, set spec.deletionPolicy to Orphan";
    /// Several accounts of one key vanished at once.
    KeyLostSight => Credentials, "several accounts of the key in Secret {secret} vanished from its list at once: the key changed workspace or lost a permission", "check the key's workspace and permissions; the Secret is read again within a minute";

    /// The provider's host does not resolve or does not answer.
    EndpointUnreachable => Platform, "the provider's endpoint cannot be reached", "check DNS, egress rules and base-url in Secret {secret}; it is tried again by itself";
    /// The provider's name resolves to an address that no provider has.
    AddressForbidden => Platform, "the provider's host resolves to a private or local address; nothing was sent", "check DNS and base-url in Secret {secret}";
    /// The TLS handshake fails.
    TlsFailure => Platform, "the TLS handshake with the provider's endpoint fails; nothing was sent", "check base-url in Secret {secret} and what intercepts TLS on the way";
    /// The connection ended before the answer.
    ConnectionLost => Provider, "the connection to the provider ended before a complete answer", "it is tried again by itself";
    /// No answer in time.
    TimedOut => Provider, "the provider did not answer in time", "it is tried again by itself";
    /// 502, 503, 504.
    ProviderUnavailable => Provider, "the provider is not available (502, 503 or 504)", "it is tried again by itself";
    /// 500.
    ProviderError => Provider, "the provider answers that it failed (500)", "it is tried again by itself; if it stays, ask the provider's support";
    /// 429.
    Throttled => Provider, "the provider asks to slow down (429)", "it is tried again by itself when the provider allows";
    /// An answer that the provider does not document.
    UnexpectedAnswer => Platform, "the endpoint answers in a way the provider does not document", "check base-url in Secret {secret} (its whole path prefix) and what stands between; it is tried again by itself";
    /// A redirect.
    EndpointRedirects => Platform, "the endpoint answers with a redirect, which is never followed", "set base-url in Secret {secret} to the final address, path prefix included";
    /// The account's own login is at fault.
    AccountLoginFailed => User, "the provider reports a problem with the account's own login (401); the account still exists", "reconnect the account at the provider or delete it there; it is tried again by itself";
    /// The provider says that this is no id.
    InvalidAccountId => User, "the provider says that this is not an id of an account", "if the id is wrong: set spec.deletionPolicy to Orphan, delete, and create a corrected object";
    /// 400 and its like.
    RequestRefused => Provider, "the provider refuses the request", "see status.teardown.lastOutcome; ask the provider's support with it";
    /// 409, 423 and their like.
    AccountBusy => Provider, "the provider says that the account is busy or in use", "end what uses it at the provider; it is tried again by itself";
    /// The row's type is not the declared channel.
    WrongChannel => User, "the provider lists this account under another channel than spec.provider.puffle.channel; nothing was sent", "set spec.deletionPolicy to Orphan, delete this object and create one with the right channel";
    /// The row's status is not one we know how to end.
    AccountStatusUnrecognised => User, "the provider shows the account in a status that is neither connected nor disconnected", "mend the account at the provider (reconnect or disconnect it)";

    /// `spec.deletionProtection` is set.
    DeletionProtected => User, "spec.deletionProtection is true: the account is not touched", "kubectl patch sacc {name} -n {namespace} --type merge -p '{\"spec\":{\"deletionProtection\":false}}'";
    /// The CRD is being deleted.
    CrdDeleting => Platform, "the CRD senderaccounts.sender-operator.dev is being deleted: no account is deleted because of that alone", "to delete all accounts: kubectl annotate crd senderaccounts.sender-operator.dev --overwrite sender-operator.dev/allow-crd-deletion=true; to keep this one: set spec.deletionPolicy to Orphan";
    /// The CRD's state cannot be read.
    CrdUnreadable => Platform, "the operator cannot read the CRD senderaccounts.sender-operator.dev", "grant its ServiceAccount `get` on that CRD";
    /// Somebody asked to be waited for.
    PreDeleteHookPending => User, "waiting for pre-delete hooks: {subject}", "each owner removes its annotation pre-delete.hook.sender-operator.dev/NAME when done";
    /// The deletion must be confirmed.
    ConfirmationMissing => User, "this deletion is irreversible and must be confirmed", "kubectl annotate sacc {name} -n {namespace} --overwrite sender-operator.dev/confirm-deletion={account}";
    /// The namespace's deletion budget is spent.
    DeletionBudgetSpent => User, "more objects of namespace {namespace} were deleted within ten minutes than --deletion-budget admits: nothing is sent for this one", "if all that were deleted until now are meant (a time before the deletion's, or in another form, says nothing): kubectl annotate sacc --all -n {namespace} --overwrite sender-operator.dev/exceed-deletion-budget=\"$(date -u +%FT%TZ)\"; if this one is not: set spec.deletionPolicy to Orphan";
    /// Another controller's finalizer.
    ForeignFinalizer => Platform, "waiting for finalizers of others: {subject}", "if one of them waits for this operator, start it with --ignore-finalizer NAME";
    /// A live object for the same account cannot take over.
    TwinLive => User, "another live SenderAccount names the same account and cannot take it over: {subject}", "make it able to (Ready with its own key, not suspended, deletionPolicy Delete, and teardown Purge where this object has it), or delete it too";
    /// An older deletion of the same account runs.
    TwinDeleting => Nobody, "another object's deletion of the same account goes first, or cannot be ruled out: {subject}", "";

    /// A teardown is on its way.
    Deleting => Nobody, "the provider is being asked to delete the account", "";
    /// The provider said yes; the read-back has not confirmed it.
    ReadingBack => Nobody, "the provider acknowledged the deletion; reading back until it shows", RETRY;
    /// The answer of a DELETE was lost.
    OutcomeUnknown => Nobody, "the answer to a DELETE was lost, and a second one could destroy the account: reading until no request can still be alive", "do not disconnect the account by hand meanwhile: that request, should it be alive, would then destroy it; for afterwards see spec.afterUnknownOutcome";
    /// The answer of a DELETE was lost, and a person asked to be asked.
    OutcomeHeld => User, "the answer to a DELETE was lost, the account is still connected, and spec.afterUnknownOutcome is Hold: nothing is sent again by itself", "disconnect the account at the provider, or send once more: kubectl patch sacc {name} -n {namespace} --type merge -p '{\"spec\":{\"afterUnknownOutcome\":\"Resend\"}}'";
    /// Not found, without a proof that it ever was there for this key.
    UnprovenAbsence => User, "the provider does not show the account, and nothing proves that this key ever saw it", NOT_FOUND;
    /// Acknowledged, yet alive.
    AckedButAlive => User, "the provider acknowledged the deletion, yet still shows the account connected; it is not sent again by itself", "disconnect the account at the provider, or set spec.deletionPolicy to Orphan";

    /// Proof: the read after the acknowledged DELETE.
    ReadBack => Nobody, "the account is gone: acknowledged, and the read afterwards shows it", "";
    /// Proof: 404 after an acknowledged DELETE.
    NotFoundAfterAck => Nobody, "the account is gone: not found after an acknowledged deletion", "";
    /// Proof: 404 after being seen alive with the same key.
    NotFoundAfterSeenAlive => Nobody, "the account is gone: not found by the key that saw it alive", "";
    /// Proof: the row is disconnected.
    AlreadySoft => Nobody, "the account is disconnected", "";
    /// Proof: the documented success, unverifiable.
    AckedUnverified => Nobody, "the provider acknowledged the deletion; it could not be read back", "";
    /// Proof: let go on purpose.
    Orphaned => Nobody, "the account was let go: spec.deletionPolicy is Orphan", "";
    /// Proof: another object has it now.
    HandedOver => Nobody, "the account was handed over to {subject}", "";
    /// Proof: the policy for what is not found.
    ReleasedByPolicy => Nobody, "the account is not found, and spec.onNotFound is Release", "";

    /// Not every object that may matter to this deletion is known.
    NotListed => Platform, "no deletion is decided before every watched namespace was listed, and that has not succeeded for {subject}", "grant the operator's ServiceAccount `list` and `watch` on senderaccounts there (where the namespace is being deleted, nothing but a ClusterRoleBinding does that, which the chart's rbac.clusterWide makes), or take the namespace out of --watch-namespace; it is tried again by itself";
    /// Others of the same key, namespace or provider are worked on.
    Queued => Nobody, "waiting for its turn: other objects of the same key, namespace or provider take the time of all passes", "";
    /// A request of this operator's earlier process may not have ended.
    RequestMayBeInFlight => Nobody, "a DELETE of this operator's may still be on its way, and the account is to be let go only after it has ended", "";
    /// The API server cannot be used.
    ApiServerUnavailable => Platform, "the API server does not answer usably or in time", "it is tried again by itself";
    /// The API server refused our request.
    PatchRefused => Platform, "the API server refuses what the operator asks of it: {subject}", "check admission policies and the operator's rights; it is tried again by itself";
    /// Why the account was let go cannot be written down.
    ReceiptNotWritten => Platform, "the operator cannot write its receipt for this account to stdout, and keeps the object until it can: {subject}", "mend what reads the operator's log, or make room for it; it is tried again by itself";
    /// A word of another version of this operator.
    Unrecognised => Nobody, "written by another version of this operator", RETRY;
}

/// The object's own words, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// `metadata.namespace`
    pub namespace: &'a str,
    /// `metadata.name`
    pub name: &'a str,
    /// `spec.credentialsRef.name`
    pub secret: &'a str,
    /// The provider's id of the account.
    pub account: &'a str,
    /// What the reason is about: a twin, a hook, a finalizer, a fault.
    pub subject: &'a str,
}

impl Reason {
    /// One stable sentence of what happened and one of what to type. No request id, time or provider text.
    pub fn message(self, words: Words<'_>) -> String {
        let (what, how) = self.template();
        let text = match (self.actor(), how) {
            (_, "") => what.to_owned(),
            (Actor::Nobody, how) => format!("{what}; {how}"),
            (actor, how) => format!("{what} (to act: {actor}); {how}"),
        };
        text.replace("{namespace}", words.namespace)
            .replace("{name}", words.name)
            .replace("{secret}", words.secret)
            .replace("{account}", &shell_word(words.account))
            .replace("{subject}", words.subject)
    }

    /// Whether another Secret would change it: then the Secret is read again within a minute.
    pub fn blames_secret(self) -> bool {
        self.actor() == Actor::Credentials || matches!(self, Self::SecretForbidden | Self::EndpointRedirects)
    }

    /// Whether another Secret may change it: a deletion then looks at the Secret within a minute, and calls the provider
    /// before its time only if the Secret is another one.
    pub fn names_secret(self) -> bool {
        self.blames_secret()
            || matches!(
                self,
                Self::UnexpectedAnswer | Self::EndpointUnreachable | Self::AddressForbidden | Self::TlsFailure
            )
    }

    /// Whether it closes a gate: nothing is called while it lasts, and once it has opened its schedule holds nothing up.
    pub fn is_gate(self) -> bool {
        matches!(
            self,
            Self::Suspended
                | Self::DeletionProtected
                | Self::CrdDeleting
                | Self::CrdUnreadable
                | Self::PreDeleteHookPending
                | Self::ConfirmationMissing
                | Self::DeletionBudgetSpent
                | Self::ForeignFinalizer
                | Self::TwinLive
                | Self::TwinDeleting
                | Self::RequestMayBeInFlight
                | Self::NotListed
                | Self::Queued
        )
    }

    /// Whether it stands until a person acts, rather than going on by itself.
    pub fn needs_somebody(self) -> bool {
        match self.actor() {
            Actor::Nobody => false,
            // Whoever put a hook there is a program, which takes it away when it is done.
            Actor::User | Actor::Credentials => self != Self::PreDeleteHookPending,
            Actor::Provider | Actor::Platform => matches!(
                self,
                Self::PatchRefused
                    | Self::CrdDeleting
                    | Self::SecretForbidden
                    | Self::EndpointRedirects
                    | Self::AddressForbidden
                    | Self::RequestRefused
            ),
        }
    }
}

/// So that a shell takes it for one word and nothing else: people type what they are shown, and an id is a stranger's text.
fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:@=+,-".contains(&b);
    if text.bytes().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")).into() }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::User => "the object's owner",
            Self::Credentials => "the Secret's owner",
            Self::Provider => "the provider",
            Self::Platform => "whoever runs the cluster",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A word that this version does not know is no error: a rollback must be able to read what its successor wrote.
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(Self::ALL.iter().copied().find(|reason| reason.as_str() == word).unwrap_or(Self::Unrecognised))
    }
}
