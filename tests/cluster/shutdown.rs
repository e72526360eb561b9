//! SIGTERM in the middle of DELETEs: their answers are awaited and recorded, nothing new begins, and a successor finishes.

use std::time::{Duration, Instant};

use provider_simulator::{Fault, On, State, Status};

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE, SOFT};

/// What a pod's `terminationGracePeriodSeconds` must be more than.
const STOPS_WITHIN: Duration = Duration::from_secs(70);

#[tokio::test]
async fn stopped_in_mid_delete_the_operator_records_the_answers_sends_nothing_more_and_ends_well_and_a_successor_finishes()
 {
    let bed = Bed::new("stop").await;
    let key = bed.key();
    bed.postpress_secret("postpress", &key).await;
    bed.puffle_secret("puffle", &key).await;
    bed.sim.postpress().add(&key, "acc_1").add(&key, "acc_2");
    for account in [LINKEDIN, SOFT, PURGE] {
        bed.sim.puffle().add_linkedin(&key, account, Status::Connected);
    }
    bed.sim.puffle().add_email(&key, EMAIL);
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    bed.postpress("postpress", "acc_1", "postpress").await;
    bed.email("email", EMAIL, "puffle").await;
    bed.purge("purge", PURGE, "puffle").await;
    bed.linkedin("later-linkedin", SOFT, "puffle").await;
    bed.postpress("later-postpress", "acc_2", "postpress").await;
    let in_flight = [("linkedin", LINKEDIN), ("postpress", "acc_1"), ("email", EMAIL), ("purge", PURGE)];
    let later = [("later-linkedin", SOFT), ("later-postpress", "acc_2")];
    let operator = bed.operator(&[]).await;
    for (name, _) in in_flight.into_iter().chain(later) {
        bed.until_connected(name).await;
    }
    let delete = bed.sim.fault(On::delete(), Fault::own().hold());
    for (name, _) in in_flight {
        bed.delete(name).await;
    }
    bed.eventually("four DELETEs are on their way", async || delete.waiting() == 4).await;

    operator.terminate();
    let began = Instant::now();
    bed.until_logged(&operator, &["stopping: nothing new begins"]).await;
    for (name, _) in later {
        bed.delete(name).await;
    }
    delete.release();
    let mut operator = operator;
    let status = operator.ended().await;
    assert!(status.success() && began.elapsed() < STOPS_WITHIN, "{status} after {:?}", began.elapsed());

    for (name, account) in in_flight {
        assert_eq!(bed.sim.log().deletes(account).len(), 1, "{name}: nothing was sent after the signal");
        let object = bed.object(name).await.unwrap_or_else(|| panic!("{name} is still there"));
        let teardown = &object["status"]["teardown"];
        assert!(
            teardown["acked"]["at"].is_string() && teardown["attempt"] == 1,
            "{name}: the answer is recorded: {teardown:#}"
        );
    }
    for (name, account) in later {
        assert_eq!(bed.truth(account), (State::Connected, 0, 0), "{name}");
        let object = bed.object(name).await.unwrap_or_else(|| panic!("{name} is still there"));
        assert!(object["status"]["teardown"]["nonce"].is_null(), "{name}: no intent after the signal");
    }
    assert_eq!(bed.sim.log().in_flight(), 0);

    let successor = bed.operator(&[]).await;
    for (name, _) in in_flight.into_iter().chain(later) {
        bed.until_gone(name).await;
    }
    for (name, account) in [("linkedin", LINKEDIN), ("later-linkedin", SOFT)] {
        assert_eq!(bed.truth(account), (State::Disconnected, 1, 1), "{name}");
    }
    for (name, account) in [("postpress", "acc_1"), ("email", EMAIL), ("later-postpress", "acc_2")] {
        assert_eq!(bed.truth(account), (State::Gone, 1, 1), "{name}");
    }
    assert_eq!(bed.truth(PURGE), (State::Gone, 3, 2));
    for (name, _) in in_flight.into_iter().chain(later) {
        let proof = if name == "purge" { "NotFoundAfterAck" } else { "ReadBack" };
        assert_eq!(successor.receipt(name)["proof"], proof, "{name}");
    }
    bed.finish(successor).await;
}

#[tokio::test]
async fn stopped_while_a_provider_does_not_answer_at_all_the_operator_records_that_and_ends_within_its_grace_period() {
    let bed = Bed::new("stop-hung").await;
    let key = bed.key();
    bed.puffle_secret("puffle", &key).await;
    bed.sim.puffle().add_linkedin(&key, LINKEDIN, Status::Connected);
    bed.linkedin("linkedin", LINKEDIN, "puffle").await;
    let delete = bed.sim.fault(On::delete().nth(1), Fault::hang_after_applying());
    let mut operator = bed.operator(&[]).await;
    bed.until_connected("linkedin").await;
    bed.delete("linkedin").await;
    bed.eventually("the DELETE hangs", async || delete.waiting() == 1).await;

    operator.terminate();
    let began = Instant::now();
    let status = operator.ended().await;
    assert!(status.success() && began.elapsed() < STOPS_WITHIN, "{status} after {:?}", began.elapsed());
    let object = bed.object("linkedin").await.expect("it is still there");
    assert_eq!(object["status"]["teardown"]["lastOutcome"]["reason"], "TimedOut");

    let successor = bed.operator(&[]).await;
    bed.until_gone("linkedin").await;
    assert_eq!(bed.truth(LINKEDIN), (State::Disconnected, 1, 1));
    assert_eq!(successor.receipt("linkedin")["proof"], "AlreadySoft");
    bed.finish(successor).await;
}

#[tokio::test]
async fn stopped_while_one_teardown_keeps_others_waiting_their_turn_the_operator_lets_none_of_them_begin() {
    let bed = Bed::new("stop-queue").await;
    let key = bed.key();
    bed.postpress_secret("postpress", &key).await;
    let accounts = ["acc_1", "acc_2", "acc_3"];
    for account in accounts {
        bed.sim.postpress().add(&key, account);
        bed.postpress(&account.replace('_', "-"), account, "postpress").await;
    }
    let mut operator = bed.operator(&["--concurrency", "1"]).await;
    for account in accounts {
        bed.until_connected(&account.replace('_', "-")).await;
    }
    let delete = bed.sim.fault(On::delete(), Fault::own().hold());
    bed.kubectl(&["delete", "sacc", "--all", "--wait=false"]).await;
    bed.eventually("the first DELETE is on its way", async || delete.waiting() == 1).await;

    operator.terminate();
    bed.until_logged(&operator, &["stopping: nothing new begins"]).await;
    delete.release();
    assert!(operator.ended().await.success());
    let sent: usize = accounts.iter().map(|account| bed.sim.log().deletes(account).len()).sum();
    assert_eq!(sent, 1, "those that waited their turn were not begun");

    let successor = bed.operator(&["--concurrency", "1"]).await;
    for account in accounts {
        bed.until_gone(&account.replace('_', "-")).await;
        assert_eq!(bed.truth(account), (State::Gone, 1, 1));
    }
    bed.finish(successor).await;
}
