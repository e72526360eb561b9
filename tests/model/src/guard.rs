//! What keeps the promises, one by one. A world can be built without one of them, to see that it is missed.

/// One guard of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// A write or a release counts only if nobody wrote in between.
    CompareAndSwap,
    /// The ledger says that a DELETE may be outstanding.
    Nonce,
    /// A DELETE goes out only on an object that a quorum GET or a write of this pass has just shown.
    FreshView,
    /// Evidence belongs to the key that saw it.
    FingerprintOverKey,
    /// Evidence belongs to the endpoint that showed it.
    FingerprintOverEndpoint,
    /// Evidence of yesterday is none.
    AgeOfEvidence,
    /// An outstanding DELETE comes before a person's decision to let go.
    UnsettledFirst,
    /// The intent stands in the ledger before the bytes go.
    WriteAhead,
    /// An acknowledgement is not yet a proof.
    ReadBack,
    /// An unknown outcome is waited for, W long.
    Window,
    /// A process remembers an unknown outcome that somebody wiped from the status, and waits W for it, too.
    WipedAttempt,
    /// What was acknowledged is not sent again.
    NoResendAfterAck,
    /// A read that an intent rests on began in this pass.
    UnsharedRead,
    /// The permission to send ends 5 s after the write that it rests on began.
    SendDeadline,
    /// Other objects of the same account are looked for.
    Twins,
    /// A live twin is asked whether it can take the account over.
    LiveTwinAsked,
    /// A deleting twin is asked whether it has a DELETE outstanding.
    DeletingTwinAsked,
    /// A new process lets nothing go while its predecessor's DELETE may be on its way.
    PredecessorsDelete,
    /// A ledger that was written for another uid is none.
    UidOfLedger,
    /// A release that is tried again looks at the uid first.
    UidOfRelease,
}
