use serde_json::{Value, json};

use super::*;

fn receipt(uid: &str, reason: Reason, subject: Option<&str>) -> Receipt {
    Receipt {
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
        uid: uid.to_owned(),
        namespace: "sales".to_owned(),
        name: "alice".to_owned(),
        provider: Provider::PostPress,
        account: "acc_1".to_owned(),
        proof: ProofRecord { reason, subject: subject.map(str::to_owned) },
        orphaned_by: Some("maria".to_owned()),
        attempts: 2,
        fingerprint: Some(Fingerprint::from_stored("0123456789abcdef0123456789abcdef".to_owned())),
        endpoint: Some("https://api.postpress.ai/v1".to_owned()),
        acknowledged: Some("2026-01-02T03:04:04Z".parse().unwrap()),
    }
}

/// A writer that says whether it was flushed after the last byte.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<(Vec<u8>, bool)>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut paper = self.0.lock().unwrap();
        paper.0.extend_from_slice(bytes);
        paper.1 = false;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().1 = true;
        Ok(())
    }
}

impl Paper {
    fn lines(&self) -> Vec<Value> {
        let paper = self.0.lock().unwrap();
        assert!(paper.1, "flushed");
        assert!(paper.0.ends_with(b"\n"));
        paper
            .0
            .split(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }
}

fn written(receipts: &[Receipt]) -> Vec<Value> {
    let paper = Paper::default();
    let to = Receipts::to(paper.clone());
    for receipt in receipts {
        to.write(receipt).unwrap();
    }
    paper.lines()
}

#[test]
fn a_receipt_is_one_json_line_with_everything_an_auditor_asks_for_and_is_flushed() {
    let lines = written(&[receipt("u1", Reason::ReadBack, None)]);
    assert_eq!(
        lines,
        [json!({
            "receipt": true, "time": "2026-01-02T03:04:05Z", "uid": "u1", "namespace": "sales", "name": "alice",
            "provider": "PostPress", "account": "acc_1", "proof": "ReadBack", "attempts": 2,
            "fingerprint": "0123456789abcdef0123456789abcdef", "endpoint": "https://api.postpress.ai/v1",
            "acknowledged": "2026-01-02T03:04:04Z",
        })]
    );
}

#[test]
fn what_the_proof_is_about_is_named_and_a_reason_to_orphan_by_its_own_name() {
    let lines =
        written(&[receipt("u1", Reason::HandedOver, Some("hr/bob")), receipt("u2", Reason::Orphaned, Some("moved"))]);
    assert_eq!((&lines[0]["subject"], lines[0].get("orphanReason")), (&json!("hr/bob"), None));
    assert_eq!((&lines[1]["orphanReason"], lines[1].get("subject")), (&json!("moved"), None));
    assert_eq!((lines[0].get("orphanedBy"), &lines[1]["orphanedBy"]), (None, &json!("maria")));
}

#[test]
fn puffles_success_is_not_taken_for_its_upstreams() {
    let puffle = |reason| Receipt { provider: Provider::Puffle, ..receipt("u1", reason, None) };
    assert!(written(&[puffle(Reason::ReadBack)])[0]["upstreams"].as_str().unwrap().starts_with("not confirmed"));
    assert_eq!(written(&[puffle(Reason::Orphaned)])[0].get("upstreams"), None);
    assert_eq!(written(&[receipt("u1", Reason::ReadBack, None)])[0].get("upstreams"), None);
}

#[test]
fn a_receipt_is_written_once_for_a_uid_and_again_only_when_it_says_something_else() {
    let (first, other) = (receipt("u1", Reason::ReadBack, None), receipt("u2", Reason::ReadBack, None));
    let later = Receipt { time: "2026-01-02T04:00:00Z".parse().unwrap(), ..first.clone() };
    assert_eq!(written(&[first.clone(), later.clone(), other, later]).len(), 2);
    assert_eq!(written(&[receipt("u1", Reason::Orphaned, None), first]).len(), 2);
}

#[test]
fn only_the_latest_uids_are_remembered() {
    let receipts = Receipts::to(io::sink());
    for n in 0..REMEMBERED + 10 {
        receipts.write(&receipt(&n.to_string(), Reason::ReadBack, None)).unwrap();
    }
    let inner = receipts.0.lock().unwrap();
    assert_eq!((inner.written.len(), inner.order.len()), (REMEMBERED, REMEMBERED));
    assert!(!inner.written.contains_key("9") && inner.written.contains_key("10"));
}

#[test]
fn a_receipt_that_could_not_be_written_is_an_error_each_time() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let receipts = Receipts::to(Full);
    for _ in 0..2 {
        assert!(receipts.write(&receipt("u1", Reason::ReadBack, None)).is_err());
    }
}

#[test]
fn a_receipt_whose_flush_failed_is_written_again() {
    struct Stuck(usize);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            if self.0 < 2 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        }
    }
    let receipts = Receipts::to(Stuck(0));
    assert!(receipts.write(&receipt("u1", Reason::ReadBack, None)).is_err());
    assert!(receipts.write(&receipt("u1", Reason::ReadBack, None)).is_ok());
    assert_eq!(receipts.0.lock().unwrap().out.0, 2);
}
