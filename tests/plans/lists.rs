//! A list that comes in pages and breaks off between them, and a watch that is dead without having ended.

use fault_proxy::{Call, Fault, On};
use provider_simulator::State;

use crate::bed::Property;
use crate::kind::{Kind, SECRET, SUBJECT};
use crate::life::Life;
use crate::verdict::receipts;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_decided_on_half_a_list() {
    // By its name the last on the list, so that half of it shows the deletion and not who takes the account over.
    const HEIR: &str = "with-the-same-account";
    Life::plan("list-breaks-off", async |life| {
        let kind = Kind::Disconnect;
        let key = life.bed.key();
        life.start();
        for (name, secret) in [(SUBJECT, SECRET), (HEIR, HEIR)] {
            kind.create(&life.bed, name, kind.account(), secret, &key).await;
            life.bed.until_reason(name, kind.at_rest()).await;
        }
        life.crew.kill();
        life.bed.mark(SUBJECT).await;
        life.proxy.page_size(1);
        let broken = life.proxy.rule(On::call(Call::ListAccounts).nth(2).times(3), Fault::status(500));
        life.start();
        life.until_logged(&["the watch failed and begins again", "500"]).await;
        life.bed.until_gone(SUBJECT).await;
        assert!(broken.hits() > 0, "no page was missing");
        assert_eq!(receipts(&life.crew.log(), SUBJECT)[0]["proof"], "HandedOver");
        let log = life.bed.sim.log();
        assert_eq!((log.state(kind.account()), log.deletes(kind.account()).len()), (State::Connected, 0));
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_dead_without_having_ended_is_given_up() {
    Life::plan("watch-dead", async |life| {
        life.bed.excuse(Property::L2, "for a minute nobody can know of the mark");
        let kind = Kind::Disconnect;
        kind.create(&life.bed, SUBJECT, kind.account(), SECRET, &life.bed.key()).await;
        let dead = life.proxy.rule(On::call(Call::WatchAccounts), Fault::silent());
        life.start();
        life.bed.until_reason(SUBJECT, kind.at_rest()).await;
        life.bed.eventually("the watch is open", async || dead.hits() > 0).await;
        life.bed.mark(SUBJECT).await;
        life.bed.until_gone(SUBJECT).await;
        life.judge(kind).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_of_an_object_is_a_quorum_read_and_every_list_too() {
    // An API server that lags behind may answer only what asks for no newer state than it has.
    let life = Life::undisturbed(Kind::PostPress).await;
    let trace = life.proxy.trace();
    for call in [Call::GetAccount, Call::ListAccounts, Call::GetSecret, Call::GetCrd] {
        let mut asked = trace.iter().filter(|entry| entry.call == call).peekable();
        assert!(asked.peek().is_some(), "no {call}");
        assert!(asked.all(|entry| !entry.request.contains("resourceVersion")), "{call}: {trace:#?}");
    }
}
