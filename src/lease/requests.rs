//! The requests about the Lease, each under a deadline.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::time::Instant;

use super::sight::Sight;
use super::{LeaseRef, RENEW_DEADLINE};
use crate::kube_io::{ApiFault, FIELD_MANAGER, within};

/// A request without an answer is given up in time for another one.
const DEADLINE: Duration = Duration::from_secs(RENEW_DEADLINE.as_secs() / 2);

/// Reads and writes one Lease.
pub struct Requests {
    leases: Api<Lease>,
    /// Which one.
    pub lease: LeaseRef,
}

impl Requests {
    /// Over this client, whose own retries are off.
    pub fn new(client: Client, lease: LeaseRef) -> Self {
        Self { leases: Api::namespaced(client, &lease.namespace), lease }
    }

    /// The Lease, if it is there.
    ///
    /// # Errors
    /// [`ApiFault`]
    pub async fn get(&self) -> Result<Option<Lease>, ApiFault> {
        within(DEADLINE, self.leases.get_opt(&self.lease.name)).await
    }

    /// Writes `me` as its holder over what was seen.
    ///
    /// # Errors
    /// [`ApiFault::Conflict`] when it is not as it was seen, [`ApiFault::NotFound`] when it is not there any more.
    pub async fn hold(&self, sight: &mut Sight, me: &str) -> Result<(), ApiFault> {
        self.write(sight, sight.held_by(me, Timestamp::now())).await
    }

    /// Writes the Lease over what was seen.
    ///
    /// # Errors
    /// As [`Requests::hold`].
    pub async fn write(&self, sight: &mut Sight, mut lease: Lease) -> Result<(), ApiFault> {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        lease.metadata.name = Some(self.lease.name.clone());
        // It holds the resourceVersion that was seen.
        let written = if sight.is_there() {
            within(DEADLINE, self.leases.replace(&self.lease.name, &params, &lease)).await
        } else {
            within(DEADLINE, self.leases.create(&params, &lease)).await
        };
        sight.see(Some(written?), Instant::now());
        Ok(())
    }

    /// What a fault means here, and what ends it.
    pub fn explain(&self, fault: &ApiFault) -> String {
        let LeaseRef { namespace, name } = &self.lease;
        match fault {
            ApiFault::Forbidden(why) => format!(
                "the Lease {name} in namespace {namespace} may not be read or written: grant the operator's ServiceAccount get, create and update on leases.coordination.k8s.io there, or run one replica with --leader-election=false ({why})"
            ),
            ApiFault::NotFound => {
                format!(
                    "there is no namespace {namespace} for the Lease {name}: correct --lease-namespace, or create it"
                )
            }
            ApiFault::Conflict | ApiFault::Refused(_) | ApiFault::Unavailable(_) | ApiFault::Incomprehensible(_) => {
                format!("the Lease {name} in namespace {namespace} could not be read or written: {fault}")
            }
        }
    }
}
