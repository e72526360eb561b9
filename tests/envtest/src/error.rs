use std::io;

/// Why there is no control plane, or why a command against it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program of the control plane could not be found or built; `build.sh` has said why on stderr.
    #[error("no control plane to start: {0}")]
    Assets(String),

    /// A server ended while it was starting because another process had taken its port.
    #[error("{server} found its port taken by another process")]
    PortTaken {
        /// The server's program.
        server: &'static str,
    },

    /// A server ended while it was starting.
    #[error("{server} ended while it was starting; its last lines:\n{log}")]
    Ended {
        /// The server's program.
        server: &'static str,
        /// The end of its log.
        log: String,
    },

    /// A server did not become ready in time.
    #[error("{server} was not ready after {seconds} s; its last lines:\n{log}")]
    NotReady {
        /// The server's program.
        server: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// The end of its log.
        log: String,
    },

    /// kubectl ended with an error.
    #[error("kubectl {args}: {stderr}")]
    Kubectl {
        /// The arguments, joined by spaces.
        args: String,
        /// What it printed on stderr.
        stderr: String,
    },

    /// Helm ended with an error.
    #[error("helm {args}: {stderr}")]
    Helm {
        /// The arguments, joined by spaces.
        args: String,
        /// What it printed on stderr.
        stderr: String,
    },

    /// A file or process of the harness could not be made.
    #[error("control plane: {0}")]
    Io(#[from] io::Error),
}
