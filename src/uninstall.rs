//! `sender-operator uninstall`: what becomes of the objects before the operator is removed. Without it they would keep
//! their finalizers with nobody left to take them off, or lose them and their accounts would live on unseen.
//!
//! [`plan`] decides and [`report`] words, both PURE; here it is listed, acted and said, until nothing is left or the
//! time is up. The operator runs on meanwhile and does the deleting; where it does not run, `Orphan` lets objects go by
//! the same decision and with the same receipts.

pub mod plan;
pub mod report;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::account::Account;
use crate::app::{self, NoClient};
use crate::args::Config;
use crate::audit::{Receipt, Receipts};
use crate::finalizer;
use crate::kube_io::{ApiFault, KubeIo};
use crate::reconcile::now;
use crate::teardown::proof::Proof;
use plan::{Found, Mode, Next};
pub use report::Release;
use waits::Waits;

/// Between two looks at what is left.
const BETWEEN: Duration = Duration::from_secs(1);

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    /// What becomes of the objects.
    pub mode: Mode,
    /// How long they may take to go.
    pub timeout: Duration,
    /// The Helm release that is being removed.
    pub release: Option<Release>,
    /// The operator's settings, as far as they matter here: what it watches, and its outcome window.
    pub config: Config,
}

/// Why the operator must not be removed now.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    NoClient(#[from] NoClient),
    #[error("the removal lacks a right: {0}")]
    Forbidden(String),
    #[error("the API server could not be used until the time was up: {0}; nothing was removed")]
    Unusable(ApiFault),
    #[error("{0}")]
    Left(String),
    #[error("the operating system gives no threads or takes no output: {0}")]
    System(#[from] io::Error),
}

/// Ends with success where nothing of the operator's is left on any object or Secret.
pub fn run(removal: Removal) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return app::fail(&Fault::System(error).to_string()),
    };
    match runtime.block_on(remove(removal)) {
        Ok(()) => app::print("no SenderAccount is left, nor a hold on a Secret: the operator can go"),
        Err(fault) => app::fail(fault.to_string().trim_end()),
    }
}

async fn remove(removal: Removal) -> Result<(), Fault> {
    let cluster = app::cluster().await?;
    // First: whoever meant another one can tell.
    say(&format!("on the cluster at {}, with --mode={:?}:", cluster.address, removal.mode))?;
    let io = KubeIo::new(cluster.client, Arc::new(removal.config.clone()));
    let deadline = Instant::now() + removal.timeout;
    let mut uninstaller = Uninstaller {
        io,
        removal,
        receipts: Receipts::on_stdout(),
        waits: Waits::default(),
        secrets: BTreeSet::new(),
        said: BTreeMap::new(),
    };
    loop {
        let over = Instant::now() >= deadline;
        match uninstaller.look().await {
            Ok(left) if left.is_empty() => return Ok(()),
            Ok(left) => uninstaller.judge(&left, over)?,
            Err(ApiFault::Forbidden(why)) => return Err(Fault::Forbidden(why)),
            Err(fault) if over => return Err(Fault::Unusable(fault)),
            Err(fault) => say(&format!("tried again: {fault}"))?,
        }
        sleep(BETWEEN).await;
    }
}

struct Uninstaller {
    io: KubeIo,
    removal: Removal,
    receipts: Receipts,
    waits: Waits,
    /// Every Secret, by namespace and name, that an object used.
    secrets: BTreeSet<(String, String)>,
    /// What was last said of each object that was left.
    said: BTreeMap<String, String>,
}

impl Uninstaller {
    /// Does the next thing about each object, and says what is left; with nothing left, no Secret is held any more.
    async fn look(&mut self) -> Result<Vec<Found>, ApiFault> {
        let objects = match self.io.list().await {
            // Without the CRD there are no objects.
            Err(ApiFault::NotFound) => Vec::new(),
            other => other?,
        };
        let left = Found::all(objects, &self.removal.config);
        if self.removal.mode != Mode::Refuse {
            self.act(&left).await;
        }
        if left.is_empty() {
            for (namespace, secret) in &self.secrets {
                finalizer::let_secret_go(&self.io, namespace, secret).await?;
            }
        }
        Ok(left)
    }

    /// Whether what is left ends the removal.
    fn judge(&self, left: &[Found], over: bool) -> Result<(), Fault> {
        match self.removal.mode {
            Mode::Refuse => Err(Fault::Left(report::refused(left, &self.removal))),
            _ if over => {
                let why = |found: &Found| self.said.get(&found.qualified_name()).cloned().unwrap_or_default();
                Err(Fault::Left(report::left(left, why, &self.removal)))
            }
            _ => Ok(()),
        }
    }

    async fn act(&mut self, left: &[Found]) {
        let mut released = BTreeSet::new();
        for found in left {
            self.secrets.extend(found.secrets.iter().map(|secret| (found.namespace.clone(), secret.clone())));
            let next = plan::next(self.removal.mode, found, self.waits.of(found), &self.removal.config.rules, now());
            let others = left.iter().filter(|other| other.uid != found.uid && !released.contains(&other.uid));
            let last_user = !others.into_iter().any(|other| other.shares_secret(found));
            let lets_go = matches!(next, Next::LetGo(_));
            match self.perform(found, next, last_user).await {
                Ok(why) => {
                    if lets_go {
                        released.insert(found.uid.clone());
                    }
                    self.tell(found, why);
                }
                // Somebody was faster: the next look shows it.
                Err(ApiFault::Conflict | ApiFault::NotFound) => {}
                Err(fault) => self.tell(found, Some(fault.to_string())),
            }
        }
        let names: BTreeSet<_> = left.iter().map(Found::qualified_name).collect();
        self.said.retain(|name, _| names.contains(name) || say(&format!("{name}: gone")).is_err());
    }

    /// Does one thing; why the object waits, where that is known better than the object says it.
    async fn perform(&self, found: &Found, next: Next, last_user: bool) -> Result<Option<String>, ApiFault> {
        let Ok(account) = &found.account else {
            return Ok(if let Next::Wait(why) = next { why } else { None });
        };
        match next {
            Next::Wait(why) => return Ok(why),
            Next::Adopt => finalizer::add(&self.io, account).await.map(drop)?,
            Next::Orphan => self.io.orphan(account, &self.why()).await?,
            Next::Delete => self.io.delete(account).await?,
            Next::LetGo(proof) => let_go(&self.io, &self.receipts, found, account, &proof, last_user).await?,
        }
        Ok(None)
    }

    fn why(&self) -> String {
        let release = self.removal.release.as_ref().map_or_else(String::new, |release| format!(" (release {release})"));
        format!("sender-operator was uninstalled with mode Orphan{release}")
    }

    /// Says why an object is left, where that is news.
    fn tell(&mut self, found: &Found, why: Option<String>) {
        let own = || found.says.as_ref().map(|(reason, message)| format!("{reason}: {message}"));
        let why = why.or_else(own).unwrap_or_else(|| "it says nothing yet".to_owned());
        if self.said.get(&found.qualified_name()) != Some(&why)
            && say(&format!("{}: {why}", found.qualified_name())).is_ok()
        {
            self.said.insert(found.qualified_name(), why);
        }
    }
}

/// As the operator does it: the hold goes with the Secret's last user, the receipt is written, then the finalizer goes.
/// An operator that does run after all may have done it since the objects were listed: then its log has the receipt.
async fn let_go<W: Write>(
    io: &KubeIo,
    receipts: &Receipts<W>,
    found: &Found,
    account: &Account,
    proof: &Proof,
    last_user: bool,
) -> Result<(), ApiFault> {
    if io.get(&found.namespace, &found.name).await?.account().resource_version != account.resource_version {
        return Err(ApiFault::Conflict);
    }
    if last_user {
        for secret in &found.secrets {
            finalizer::let_secret_go(io, &found.namespace, secret).await?;
        }
    }
    let attempts = account.view.ledger.attempts();
    let written = receipts.write(&Receipt::of(account, proof, attempts, false, now()));
    written.map_err(|error| ApiFault::Unavailable(format!("the receipt could not be written: {error}")))?;
    finalizer::release(io, account, proof).await
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

#[cfg(test)]
#[path = "uninstall_tests.rs"]
mod tests;
