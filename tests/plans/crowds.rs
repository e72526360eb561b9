//! Many are busy: people who write to an object all the time, a provider that answers nobody, and everybody at once.

use std::time::Duration;

use futures::future::join_all;
use kube::api::{Patch, PatchParams};
use provider_simulator::{Call, Fault, On, Provider};
use serde_json::json;
use tokio::time::sleep;

use crate::bed::{Property, is_torture};
use crate::kind::Kind;
use crate::life::Life;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_somebody_writes_to_all_the_time_is_deleted_nevertheless() {
    Life::plan("written-all-the-time", async |life| {
        let (bed, accounts) = (&life.bed, life.bed.accounts());
        life.start();
        let rows = [(Kind::PostPress, "postpress"), (Kind::Disconnect, "disconnect"), (Kind::Purge, "purge")];
        let mut ids = Vec::new();
        for (number, (kind, name)) in rows.into_iter().enumerate() {
            ids.push(kind.nth_account(number));
            kind.create(bed, name, &ids[number], name, &bed.key()).await;
            bed.until_reason(name, kind.at_rest()).await;
        }
        join_all(rows.map(|(_, name)| bed.mark(name))).await;
        let written = join_all(rows.map(async |(_, name)| {
            let mut written = 0;
            loop {
                let patch =
                    Patch::Merge(json!({"metadata": {"annotations": {"example.com/beat": written.to_string()}}}));
                match accounts.patch(name, &PatchParams::default(), &patch).await {
                    Ok(_) => written += 1,
                    Err(kube::Error::Api(status)) if status.code == 404 => return written,
                    Err(error) => panic!("{name}: {error}"),
                }
                assert!(written < 6000, "{name} is still there after so many writes");
                sleep(Duration::from_millis(10)).await;
            }
        }))
        .await;
        println!("written meanwhile: {written:?}");
        for ((kind, name), account) in rows.into_iter().zip(&ids) {
            life.judge_one(kind, name, account, name).await;
        }
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_objects_of_a_provider_that_never_answers_hold_up_nobody_elses() {
    const HUNG: usize = 100;
    const OTHERS: usize = 10;
    Life::plan("hung-provider", async |life| {
        let bed = &life.bed;
        life.start();
        let hung: Vec<_> = (0..HUNG).map(|number| (Kind::PostPress, format!("hung-{number}"), number)).collect();
        let others: Vec<_> = (0..OTHERS).map(|number| (Kind::Email, format!("other-{number}"), number)).collect();
        for (kind, name, number) in hung.iter().chain(&others) {
            // Each with a key of its own: it is the provider's share of the slots that is used up.
            kind.create(bed, name, &kind.nth_account(*number), name, &bed.key()).await;
        }
        for (kind, name, _) in hung.iter().chain(&others) {
            bed.until_reason(name, kind.at_rest()).await;
        }
        let silence = bed.sim.fault(On::delete().provider(Provider::PostPress), Fault::hang_without_applying());
        join_all(hung.iter().map(|(_, name, _)| bed.mark(name))).await;
        bed.eventually("the provider has as many as it gets", async || silence.waiting() > 0).await;
        for (_, name, _) in &others {
            bed.mark(name).await;
        }
        for (_, name, _) in &others {
            bed.until_gone(name).await;
        }
        // By events: all of the others ended before the first that hangs was given up.
        let log = bed.sim.log();
        let deletes = |provider| log.entries().filter(move |e| e.call == Call::Delete && e.provider == provider);
        let given_up = deletes(Provider::PostPress).filter_map(|entry| entry.ended).map(|ended| ended.order).min();
        let last = deletes(Provider::Puffle).filter_map(|entry| entry.effect_at).map(|at| at.order).max();
        assert!(given_up.is_none_or(|given_up| last < Some(given_up)), "{given_up:?} came before {last:?}");
        for (kind, name, number) in &others {
            life.judge_one(*kind, name, &kind.nth_account(*number), name).await;
        }
        assert_eq!(bed.objects().await.len(), HUNG, "none of those that hang is released");
        // Those whose turn does not come say so, and what they wait for.
        bed.eventually("most say that they are queued", async || {
            let objects = bed.objects().await;
            objects.iter().filter(|object| object["status"]["teardown"]["reason"] == "Queued").count() > HUNG / 2
        })
        .await;
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_is_deleted_with_one_command_ends_with_each_account_once() {
    /// So many objects share a Secret.
    const TENANT: usize = 50;
    let crowd = if is_torture() { 2_000 } else { 200 };
    Life::plan_with("crowd", &["--outcome-window", "1s"], async |life| {
        let bed = &life.bed;
        if is_torture() {
            bed.excuse(
                Property::L2,
                "two say at a time that they wait for their turn, so that those who have it get on",
            );
        }
        life.start();
        let kinds = [Kind::PostPress, Kind::Email, Kind::Disconnect, Kind::Purge];
        let mut members = Vec::new();
        for tenant in 0..crowd / TENANT {
            let (kind, secret, key) = (kinds[tenant % kinds.len()], format!("tenant-{tenant}"), bed.key());
            bed.create_secret(&secret, &key, &kind.base_url(bed)).await;
            for number in (tenant * TENANT..).take(TENANT) {
                let (name, account) = (format!("member-{number}"), kind.nth_account(number));
                kind.create_object(bed, &name, &account, &secret, &key).await;
                members.push((kind, name, account));
            }
        }
        for (kind, name, _) in &members {
            bed.until_reason(name, kind.at_rest()).await;
        }
        bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;
        let mut left = crowd;
        while left > 0 {
            bed.eventually("another one is gone", async || bed.objects().await.len() < left).await;
            left = bed.objects().await.len();
        }
        let log = bed.sim.log();
        for (kind, name, account) in &members {
            kind.check(&log, account);
            life.judge_order(*kind, name, account);
        }
        life.judge_all().await;
    })
    .await;
}
