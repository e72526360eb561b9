//! What one deletion costs, counted where it is paid: in the API server's audit log and at the provider.

use jiff::SignedDuration;
use provider_simulator::{Call, Status};
use serde_json::Value;

use crate::bed::{Bed, EMAIL, LINKEDIN, PURGE};

/// Requests for one object from its deletion on, and calls for its account.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost {
    gets: usize,
    status_writes: usize,
    writes: usize,
    secret_reads: usize,
    secret_writes: usize,
    events: usize,
    deletes: usize,
    reads: usize,
}

#[tokio::test]
async fn a_deletion_costs_no_more_requests_and_calls_than_its_proof_needs() {
    let bed = Bed::new("costs").await;
    let operator = bed.operator(&["--observe-interval", "1h"]).await;
    let kinds = [("postpress", "acc_1"), ("email", EMAIL), ("disconnect", LINKEDIN), ("purge", PURGE)];
    for (number, (kind, account)) in kinds.into_iter().enumerate() {
        let (key, keeper) = (bed.key(), format!("{kind}-keeper"));
        // The first user of a Secret is its keeper, and stays.
        let kept = format!("4f8d0e4c-c05b-4a70-9a97-{number:012x}");
        match kind {
            "postpress" => {
                bed.sim.postpress().add(&key, &kept).add(&key, account);
                bed.postpress_secret(kind, &key).await;
                bed.postpress(&keeper, &kept, kind).await;
            }
            _ => {
                bed.sim.puffle().add_email(&key, &kept);
                match kind {
                    "email" => bed.sim.puffle().add_email(&key, account),
                    _ => bed.sim.puffle().add_linkedin(&key, account, Status::Connected),
                };
                bed.puffle_secret(kind, &key).await;
                bed.email(&keeper, &kept, kind).await;
            }
        }
        let keeper = bed.until_connected(&keeper).await;
        assert_eq!(keeper["status"]["heldSecret"], kind);
        match kind {
            "postpress" => bed.postpress(kind, account, kind).await,
            "email" => bed.email(kind, account, kind).await,
            "disconnect" => bed.linkedin(kind, account, kind).await,
            _ => bed.purge(kind, account, kind).await,
        }
        let object = bed.until_connected(kind).await;
        assert!(object["status"]["heldSecret"].is_null(), "{kind} keeps no Secret");
    }
    let before = bed.sim.log();
    // From here on only kubectl and the operator ask for these objects.
    bed.kubectl(&["delete", "sacc", "postpress", "email", "disconnect", "purge", "--timeout=90s"]).await;
    for (kind, _) in kinds {
        bed.until_logged(&operator, &[&format!("\"name\":\"{kind}\""), "released"]).await;
    }
    // An Event is written when there is time for it.
    let announced = async || kinds.iter().all(|(kind, _)| cost(&requests(&bed), kind).events > 0);
    bed.eventually("each has its Event", announced).await;
    bed.finish(operator).await;

    let requests = requests(&bed);
    let log = bed.sim.log();
    let mut costs = Vec::new();
    println!("kind        GET  status  finalizer  Secret GET  Event  | provider DELETE  read");
    for (kind, account) in kinds {
        let mut cost = cost(&requests, kind);
        cost.deletes = log.deletes(account).len();
        cost.reads = log.reads(account).len() - before.reads(account).len();
        println!(
            "{kind:<10} {:>4} {:>7} {:>10} {:>11} {:>6}  | {:>15} {:>5}",
            cost.gets, cost.status_writes, cost.writes, cost.secret_reads, cost.events, cost.deletes, cost.reads
        );
        if let ("disconnect", [delete]) = (kind, &log.deletes(account)[..]) {
            let answered = log.reads(account).into_iter().filter_map(|read| read.ended).map(|ended| ended.at);
            let last = answered.filter(|at| *at < delete.arrived.at).max().expect("a read before it");
            let gap = delete.arrived.at.duration_since(last);
            println!("{:<10} {} ms from the answer to the read to the DELETE", "", gap.as_millis());
            assert!(gap < SignedDuration::from_secs(10), "a person may disconnect it meanwhile: {gap:#}");
        }
        assert!(cost.secret_reads <= 1, "{kind}: one GET of a Secret serves a pass");
        // None where the Secret was read a moment before, for the observation.
        costs.push(Cost { secret_reads: 0, ..cost });
    }
    let permanent = Cost { gets: 1, writes: 1, events: 1, deletes: 1, reads: 1, ..Cost::default() };
    let disconnect = Cost { gets: 0, status_writes: 1, reads: 2, ..permanent };
    // Its first DELETE is written ahead, and the acknowledgement written down: each also stands for a GET.
    let purge = Cost { gets: 1, status_writes: 2, deletes: 3, reads: 0, ..permanent };
    assert_eq!(costs, [permanent, permanent, disconnect, purge]);
    assert!(log.entries().all(|entry| entry.call != Call::Other));
}

/// What the API server was asked for in this namespace.
fn requests(bed: &Bed) -> Vec<Value> {
    let audit = std::fs::read_to_string(bed.plane.audit_log()).expect("the audit log is there");
    let requests = audit.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    requests.filter(|request| request["objectRef"]["namespace"] == bed.namespace).collect()
}

/// What the operator asked of the API server for this object after kubectl had deleted it.
fn cost(requests: &[Value], name: &str) -> Cost {
    let about = |request: &Value, resource: &str, name: &str| {
        request["objectRef"]["resource"] == resource && request["objectRef"]["name"] == name
    };
    let deletion =
        requests.iter().find(|request| request["verb"] == "delete" && about(request, "senderaccounts", name));
    let since = deletion.map(|request| request["requestReceivedTimestamp"].as_str().unwrap_or_default().to_owned());
    let since = since.unwrap_or_else(|| panic!("kubectl deleted {name}"));
    let mut cost = Cost::default();
    for request in requests {
        let agent = request["userAgent"].as_str().unwrap_or_default();
        let received = request["requestReceivedTimestamp"].as_str().unwrap_or_default();
        if agent.starts_with("kube") || received <= since.as_str() {
            continue;
        }
        let verb = request["verb"].as_str().unwrap_or_default();
        let count = match () {
            () if about(request, "senderaccounts", name) => {
                match (verb, request["objectRef"]["subresource"].as_str()) {
                    ("get", None) => &mut cost.gets,
                    (_, Some("status")) => &mut cost.status_writes,
                    _ => &mut cost.writes,
                }
            }
            () if about(request, "secrets", name) && verb == "get" => &mut cost.secret_reads,
            () if about(request, "secrets", name) => &mut cost.secret_writes,
            () if request["objectRef"]["resource"] == "events" => {
                let event = request["objectRef"]["name"].as_str().unwrap_or_default();
                match event.split_once('.') {
                    Some((object, _)) if object == name => &mut cost.events,
                    _ => continue,
                }
            }
            () => continue,
        };
        *count += 1;
    }
    cost
}
