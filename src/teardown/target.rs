//! What is to be torn down, and what a second DELETE would do to it.

/// One account at one provider, with what deleting it shall mean.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A PostPress account: deleted for good.
    PostPress {
        /// The provider's id.
        account_id: String,
    },
    /// A Puffle mailbox: the row and the inbox are destroyed.
    PuffleEmail {
        /// The provider's id, a UUID in lower case.
        account_id: String,
    },
    /// A LinkedIn sender at Puffle that shall end disconnected, its history kept.
    PuffleLinkedInDisconnect {
        /// The provider's id, a UUID in lower case.
        account_id: String,
    },
    /// A LinkedIn sender at Puffle that shall end destroyed: disconnected by the first DELETE, destroyed by the second.
    PuffleLinkedInPurge {
        /// The provider's id, a UUID in lower case.
        account_id: String,
    },
}

/// The provider of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// <https://www.postpress.ai>
    PostPress,
    /// <https://www.puffle.ai>
    Puffle,
}

/// What a repeated DELETE does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No further harm.
    Permanent,
    /// The first disconnects, a second destroys: at most one may take effect.
    SoftThenHard,
    /// The first disconnects, the second destroys, and that is what is asked for.
    Purge,
}

impl Provider {
    /// The name used in status, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PostPress => "PostPress",
            Self::Puffle => "Puffle",
        }
    }
}

impl Target {
    /// Whose account it is.
    pub fn provider(&self) -> Provider {
        match self {
            Self::PostPress { .. } => Provider::PostPress,
            Self::PuffleEmail { .. } | Self::PuffleLinkedInDisconnect { .. } | Self::PuffleLinkedInPurge { .. } => {
                Provider::Puffle
            }
        }
    }

    /// The provider's id of it.
    pub fn account_id(&self) -> &str {
        match self {
            Self::PostPress { account_id }
            | Self::PuffleEmail { account_id }
            | Self::PuffleLinkedInDisconnect { account_id }
            | Self::PuffleLinkedInPurge { account_id } => account_id,
        }
    }

    /// What a repeated DELETE does to it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::PostPress { .. } | Self::PuffleEmail { .. } => Kind::Permanent,
            Self::PuffleLinkedInDisconnect { .. } => Kind::SoftThenHard,
            Self::PuffleLinkedInPurge { .. } => Kind::Purge,
        }
    }

    /// Whether the provider offers a read of one account, whose 404 is about this account and no other.
    pub fn has_read_by_id(&self) -> bool {
        self.provider() == Provider::PostPress
    }

    /// Whether both name the same account, whatever shall become of it.
    pub fn same_account(&self, other: &Self) -> bool {
        self.provider() == other.provider() && self.account_id() == other.account_id()
    }
}
