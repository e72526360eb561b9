//! PURE: who holds the Lease, whether it has run out, what is to be written. Every time is an argument.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

use super::{LEASE_DURATION, LONGEST_DURATION};

/// The Lease as it was last seen, and since when it is so.
#[derive(Clone, Debug)]
pub struct Sight {
    lease: Option<Lease>,
    /// Also of a Lease that was deleted since: its holder acts on, and writes it anew.
    holder: Option<String>,
    duration: Duration,
    since: Instant,
}

/// What is to be done about the Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours: renew it.
    Renew,
    /// It is to be had: take it.
    Take(Vacancy),
    /// This one holds it, for so much longer unless it renews it.
    StandBy(String, Duration),
}

/// Why a Lease is to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vacancy {
    /// It is not there, and was not.
    New,
    /// It names no holder.
    GivenBack,
    /// This one did not renew it in time.
    RunOut(String),
}

impl Sight {
    /// Nothing was seen before `now`.
    pub fn nothing(now: Instant) -> Self {
        Self { lease: None, holder: None, duration: LEASE_DURATION, since: now }
    }

    /// Takes in what a request showed that was answered at `now`. A Lease counts from its last change, which only this
    /// process's own clock times: nobody else's can be trusted to agree.
    pub fn see(&mut self, lease: Option<Lease>, now: Instant) {
        if spec(lease.as_ref()) != spec(self.lease.as_ref()) {
            self.since = now;
        }
        if let Some(spec) = spec(lease.as_ref()) {
            self.holder = spec.holder_identity.filter(|holder| !holder.is_empty());
            self.duration = duration(spec.lease_duration_seconds);
        }
        self.lease = lease;
    }

    /// What `me` is to do at `now`.
    pub fn claim(&self, me: &str, now: Instant) -> Claim {
        let unchanged_for = now.saturating_duration_since(self.since);
        match &self.holder {
            None if self.lease.is_none() => Claim::Take(Vacancy::New),
            None => Claim::Take(Vacancy::GivenBack),
            Some(holder) if holder == me => Claim::Renew,
            Some(holder) if unchanged_for >= self.duration => Claim::Take(Vacancy::RunOut(holder.clone())),
            Some(holder) => Claim::StandBy(holder.clone(), self.duration - unchanged_for),
        }
    }

    /// The Lease with `me` as its holder, as it is to be written over what was seen.
    pub fn held_by(&self, me: &str, now: Timestamp) -> Lease {
        let mut lease = self.lease.clone().unwrap_or_default();
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(me) {
            spec.acquire_time = Some(MicroTime(now));
            // A Lease that was not there begins with none, as client-go counts.
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |before| before.saturating_add(1)));
        }
        spec.holder_identity = Some(me.to_owned());
        spec.lease_duration_seconds = i32::try_from(LEASE_DURATION.as_secs()).ok();
        spec.renew_time = Some(MicroTime(now));
        lease
    }

    /// The Lease without a holder, if it is there and `me` holds it.
    pub fn given_back_by(&self, me: &str, now: Timestamp) -> Option<Lease> {
        let mut lease = self.lease.clone()?;
        let spec = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_deref() == Some(me))?;
        spec.holder_identity = None;
        spec.renew_time = Some(MicroTime(now));
        Some(lease)
    }

    /// Whether the Lease is there: what is written replaces it then, and creates it else.
    pub fn is_there(&self) -> bool {
        self.lease.is_some()
    }
}

fn spec(lease: Option<&Lease>) -> Option<LeaseSpec> {
    lease.map(|lease| lease.spec.clone().unwrap_or_default())
}

/// No hand that edits it can have it taken over early, or keep everybody standing by.
fn duration(seconds: Option<i32>) -> Duration {
    let seconds = u64::try_from(seconds.unwrap_or_default()).unwrap_or_default();
    Duration::from_secs(seconds).clamp(LEASE_DURATION, LONGEST_DURATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lease(holder: Option<&str>, renewed: i64) -> Lease {
        let spec = LeaseSpec {
            holder_identity: holder.map(str::to_owned),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            ..LeaseSpec::default()
        };
        Lease { spec: Some(spec), ..Lease::default() }
    }

    fn lasting(seconds: Option<i32>) -> Lease {
        let mut lease = lease(Some("other"), 1);
        lease.spec.as_mut().unwrap().lease_duration_seconds = seconds;
        lease
    }

    /// What `me` is to do `after` the last of these was seen, each a second after the one before.
    fn claim(seen: &[Option<Lease>], after: Duration) -> Claim {
        let mut now = Instant::now();
        let mut sight = Sight::nothing(now);
        for lease in seen {
            now += SECOND;
            sight.see(lease.clone(), now);
        }
        sight.claim("me", now + after)
    }

    #[test]
    fn a_lease_is_taken_when_it_is_new_given_back_or_unchanged_for_its_duration_by_my_own_clock() {
        let other = || Some(lease(Some("other"), 1));
        let stand_by = |left: u32| Claim::StandBy("other".to_owned(), left * SECOND);
        let run_out = || Claim::Take(Vacancy::RunOut("other".to_owned()));
        let renewed = || Some(lease(Some("other"), 2));
        let given_back = || Claim::Take(Vacancy::GivenBack);
        for (row, seen, after, expected) in [
            ("never there", vec![None], 0, Claim::Take(Vacancy::New)),
            ("there without a spec", vec![Some(Lease::default())], 0, given_back()),
            ("without a holder", vec![Some(lease(None, 1))], 0, given_back()),
            ("with an empty holder", vec![Some(lease(Some(""), 1))], 0, given_back()),
            ("given back by its holder", vec![other(), Some(lease(None, 1))], 0, given_back()),
            ("mine", vec![Some(lease(Some("me"), 1))], 0, Claim::Renew),
            ("mine, however long ago", vec![Some(lease(Some("me"), 1))], 1000, Claim::Renew),
            ("first seen, and its holder's own times do not count", vec![other()], 0, stand_by(15)),
            ("a second before it runs out", vec![other()], 14, stand_by(1)),
            ("run out", vec![other()], 15, run_out()),
            ("seen again unchanged", vec![other(), other(), other()], 12, stand_by(1)),
            ("seen again unchanged, and run out", vec![other(), other(), other()], 13, run_out()),
            ("renewed", vec![other(), renewed()], 14, stand_by(1)),
            ("renewed, and run out since", vec![other(), renewed()], 15, run_out()),
            ("deleted, and its holder may act on", vec![other(), None], 14, stand_by(1)),
            ("deleted, and not written anew", vec![other(), None, None], 14, run_out()),
            ("deleted, and written anew", vec![other(), None, renewed()], 14, stand_by(1)),
            ("mine, deleted", vec![Some(lease(Some("me"), 1)), None], 0, Claim::Renew),
            ("a minute is the longest", vec![Some(lasting(Some(i32::MAX)))], 59, stand_by(1)),
            ("a minute is the longest, and run out", vec![Some(lasting(Some(i32::MAX)))], 60, run_out()),
            ("fifteen seconds are the shortest", vec![Some(lasting(Some(1)))], 14, stand_by(1)),
            ("without a duration", vec![Some(lasting(None))], 14, stand_by(1)),
            ("with one below nothing", vec![Some(lasting(Some(-5)))], 14, stand_by(1)),
        ] {
            assert_eq!(claim(&seen, after * SECOND), expected, "{row}");
        }
    }

    #[test]
    fn what_is_written_counts_transitions_and_leaves_what_others_wrote_beside_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut sight = Sight::nothing(Instant::now());
        let written = |lease: &Lease| {
            let spec = lease.spec.clone().unwrap();
            let second = |time: Option<MicroTime>| time.map(|MicroTime(at)| at.as_second());
            (spec.holder_identity, spec.lease_transitions, second(spec.acquire_time), second(spec.renew_time))
        };
        let me = || Some("me".to_owned());
        let mut new = sight.held_by("me", at(1));
        assert_eq!(written(&new), (me(), Some(0), Some(1), Some(1)));
        assert_eq!(new.spec.as_ref().unwrap().lease_duration_seconds, Some(15));

        new.metadata.labels = Some([("kept".to_owned(), "yes".to_owned())].into());
        new.metadata.resource_version = Some("7".to_owned());
        sight.see(Some(new), Instant::now());
        let renewed = sight.held_by("me", at(2));
        assert_eq!(written(&renewed), (me(), Some(0), Some(1), Some(2)));
        assert_eq!(renewed.metadata.resource_version.as_deref(), Some("7"), "a race is a conflict");
        assert!(renewed.metadata.labels.is_some());

        let given_back = sight.given_back_by("me", at(3)).unwrap();
        assert_eq!(written(&given_back), (None, Some(0), Some(1), Some(3)));
        assert_eq!(sight.given_back_by("other", at(3)), None, "nobody gives back what another one holds");
        sight.see(Some(given_back), Instant::now());
        assert_eq!(written(&sight.held_by("other", at(4))), (Some("other".to_owned()), Some(1), Some(4), Some(4)));
        sight.see(None, Instant::now());
        assert_eq!(sight.given_back_by("me", at(5)), None, "what is not there is not given back");
    }
}
