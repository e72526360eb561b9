//! The process is short of what it needs: descriptors, a reader of what it writes, files.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use provider_simulator::{Fault, On};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bed::{Bed, Operator};
use crate::kind::{Kind, SECRET, SUBJECT};
use crate::life::Life;

/// What the operator may have open beyond what it has at rest.
const DESCRIPTORS: u64 = 8;
const CROWD: usize = 24;

/// Sets a limit of a running process.
fn limit(process: Pid, resource: Resource, most: u64) {
    prlimit(Some(process), resource, Rlimit { current: Some(most), maximum: Some(most) }).expect("it can be limited");
}

fn open_files(process: Pid) -> u64 {
    std::fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).expect("it runs").count() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_without_a_free_descriptor_says_so_and_goes_on_when_there_are_some() {
    Life::plan("descriptors", async |life| {
        let (bed, kind) = (&life.bed, Kind::PostPress);
        life.start();
        let names: Vec<_> = (0..CROWD).map(|number| format!("crowd-{number}")).collect();
        let accounts: Vec<_> = (0..CROWD).map(|number| kind.nth_account(number)).collect();
        for (name, account) in names.iter().zip(&accounts) {
            // Each with a key of its own, so that no key's share of the slots is in the way.
            kind.create(bed, name, account, name, &bed.key()).await;
        }
        for name in &names {
            bed.until_reason(name, kind.at_rest()).await;
        }
        // As large as the API server takes it, on one of them.
        let large = json!({"metadata": {"annotations": {"example.com/notes": "x".repeat(200 * 1024)}}}).to_string();
        bed.annotate(&names[0], &large).await;
        let operator = life.crew.running();
        limit(operator, Resource::Nofile, open_files(operator) + DESCRIPTORS);
        let delete = bed.sim.fault(On::delete(), Fault::own().hold());
        for name in &names {
            bed.mark(name).await;
        }
        let short = async || {
            let objects = bed.objects().await;
            objects.iter().any(|object| object["status"]["teardown"]["reason"] == "EndpointUnreachable")
        };
        bed.eventually("one says that it cannot connect", short).await;
        assert_eq!(bed.objects().await.len(), CROWD, "none is released");
        delete.clear();
        delete.release();
        for (name, account) in names.iter().zip(&accounts) {
            bed.until_gone(name).await;
            life.judge_one(kind, name, account, name).await;
        }
        life.judge_all().await;
    })
    .await;
}

/// A process that runs for 10 of each 200 milliseconds, until this is dropped.
struct Throttle {
    lifted: Arc<AtomicBool>,
    turns: Option<JoinHandle<()>>,
}

impl Throttle {
    const RUNS: Duration = Duration::from_millis(10);
    const STANDS: Duration = Duration::from_millis(190);

    fn on(process: Pid) -> Self {
        let lifted = Arc::new(AtomicBool::new(false));
        let turns = std::thread::spawn({
            let lifted = Arc::clone(&lifted);
            move || {
                while !lifted.load(Ordering::SeqCst) {
                    for (signal, lasts) in [(Signal::STOP, Self::STANDS), (Signal::CONT, Self::RUNS)] {
                        kill_process(process, signal).expect("it can be signalled");
                        std::thread::sleep(lasts);
                    }
                }
            }
        });
        Self { lifted, turns: Some(turns) }
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.lifted.store(true, Ordering::SeqCst);
        self.turns.take().map(JoinHandle::join);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_hardly_gets_any_cpu_deletes_each_account_once_all_the_same() {
    Life::plan("hardly-any-cpu", async |life| {
        let bed = &life.bed;
        // A keeper needs another object beside it.
        let kinds = (0..).zip(Kind::ALL).filter(|(_, kind)| *kind != Kind::Keeper);
        let subjects: Vec<_> =
            kinds.map(|(n, kind)| (kind, format!("{kind:?}").to_lowercase(), kind.nth_account(n))).collect();
        life.start();
        let throttle = Throttle::on(life.crew.running());
        for (kind, name, account) in &subjects {
            kind.create(bed, name, account, name, &bed.key()).await;
        }
        for (kind, name, _) in &subjects {
            bed.until_reason(name, kind.at_rest()).await;
            bed.mark(name).await;
        }
        for (_, name, _) in &subjects {
            bed.until_gone(name).await;
        }
        drop(throttle);
        for (kind, name, account) in &subjects {
            life.judge_one(*kind, name, account, name).await;
        }
        life.judge_all().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_of_the_admin_port_who_never_finish_take_nothing_from_the_deletions() {
    const VISITORS: usize = 200;
    Life::plan("slow-visitors", async |life| {
        let (bed, kind) = (&life.bed, Kind::Disconnect);
        life.at_rest(kind).await;
        let operator = life.crew.running();
        limit(operator, Resource::Nofile, open_files(operator) + 64);
        let admin = life.crew.admin_address();
        let mut visitors = Vec::new();
        for _ in 0..VISITORS {
            let mut visitor = TcpStream::connect(&admin).await.expect("the port is open");
            visitor.write_all(b"GET /metrics HTTP/1.1\r\nx-slow: ").await.expect("some of a request");
            visitors.push(visitor);
        }
        bed.mark(SUBJECT).await;
        bed.until_gone(SUBJECT).await;
        // They are still there, and who asks something is served.
        assert!(Operator::visit(&admin, "/livez").await.ends_with("ok\n"), "no probe is answered");
        drop(visitors);
        life.judge(kind).await;
    })
    .await;
}

/// The reader of an operator's output, which can be told to stop reading.
struct Reader {
    reads: Arc<AtomicBool>,
    copies: JoinHandle<()>,
}

impl Reader {
    /// Copies what comes through the pipe into a file while it is told to read.
    fn of(mut pipe: PipeReader, mut log: File) -> Self {
        let reads = Arc::new(AtomicBool::new(true));
        let copies = std::thread::spawn({
            let reads = Arc::clone(&reads);
            move || {
                let mut buffer = [0; 1024];
                loop {
                    if !reads.load(Ordering::SeqCst) {
                        std::thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                    match pipe.read(&mut buffer) {
                        Ok(0) | Err(_) => return,
                        Ok(length) => log.write_all(&buffer[..length]).expect("the log is written"),
                    }
                }
            }
        });
        Self { reads, copies }
    }

    /// Reads nothing more, and lets others' words fill the pipe up: whoever writes to it now waits.
    fn leave(&self, mut pipe: PipeWriter) {
        self.reads.store(false, Ordering::SeqCst);
        let reads = Arc::clone(&self.reads);
        std::thread::spawn(move || while !reads.load(Ordering::SeqCst) && pipe.write_all(b"(noise)\n").is_ok() {});
    }
}

/// Whether a thread of this process waits to write to its stdout.
fn waits_for_its_reader(process: Pid) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).expect("it runs");
    // The number of write(2), on x86-64 and elsewhere, and its first argument.
    let writes = |call: String| ["1 0x1 ", "64 0x1 "].iter().any(|write| call.starts_with(write));
    tasks.flatten().any(|task| std::fs::read_to_string(task.path().join("syscall")).is_ok_and(writes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nobody_reads_its_receipts_nothing_is_released_and_it_writes_no_file() {
    const PIPE: usize = 4096;
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("output-blocked-{kind:?}"), async |life| {
            let (ours, theirs) = std::io::pipe().expect("a pipe");
            fcntl_setpipe_size(&ours, PIPE).expect("a small one");
            let (file, path) = tempfile::NamedTempFile::new().expect("a file for the log").into_parts();
            let reader = Reader::of(ours, file);
            let mut command = life.command();
            let noise = theirs.try_clone().expect("a second handle");
            command.stdout(theirs.try_clone().expect("a second handle")).stderr(Stdio::from(theirs));
            let child = command.spawn().expect("the operator starts");
            drop(command);
            life.take(life.bed.started(child, path));
            // Whoever may not write to any file is killed by trying to: as with a full or a read-only disk.
            limit(life.crew.running(), Resource::Fsize, 0);
            kind.create(&life.bed, SUBJECT, kind.account(), SECRET, &life.bed.key()).await;
            life.bed.until_reason(SUBJECT, kind.at_rest()).await;

            reader.leave(noise);
            life.bed.mark(SUBJECT).await;
            let operator = life.crew.running();
            life.bed.eventually("it waits for its reader", async || waits_for_its_reader(operator)).await;
            assert!(life.bed.object(SUBJECT).await.is_some(), "it was released, and its receipt cannot be read");
            reader.reads.store(true, Ordering::SeqCst);
            life.bed.until_gone(SUBJECT).await;
            life.judge(kind).await;
            life.crew.kill();
            reader.copies.join().expect("the reader ends with the operator");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_cannot_write_its_receipts_keeps_the_object_and_says_so_on_it() {
    for kind in [Kind::PostPress, Kind::Disconnect] {
        Life::plan(&format!("output-closed-{kind:?}"), async |life| {
            let (mut ours, theirs) = UnixStream::pair().expect("two ends");
            let (mut file, path) = tempfile::NamedTempFile::new().expect("a file for the log").into_parts();
            let reader = ours.try_clone().expect("a second handle");
            std::thread::spawn(move || std::io::copy(&mut ours, &mut file));
            let mut command = life.command();
            command.stdout(OwnedFd::from(theirs.try_clone().expect("a second handle"))).stderr(OwnedFd::from(theirs));
            life.take(life.bed.started(command.spawn().expect("the operator starts"), path));
            kind.create(&life.bed, SUBJECT, kind.account(), SECRET, &life.bed.key()).await;
            life.bed.until_reason(SUBJECT, kind.at_rest()).await;

            reader.shutdown(Shutdown::Both).expect("nobody reads any more");
            life.bed.mark(SUBJECT).await;
            let object = life.bed.until_waiting(SUBJECT, "ReceiptNotWritten").await;
            assert_eq!(object["status"]["teardown"]["phase"], "Confirmed");
            life.crew.kill();
            life.start();
            life.bed.until_gone(SUBJECT).await;
            life.judge(kind).await;
        })
        .await;
    }
}

impl Bed {
    /// A merge patch of the metadata, through the client: an argument of a command may not be so long.
    async fn annotate(&self, name: &str, patch: &str) {
        let patch: serde_json::Value = serde_json::from_str(patch).expect("JSON");
        let patch = kube::api::Patch::Merge(patch);
        self.accounts().patch(name, &kube::api::PatchParams::default(), &patch).await.expect("it is taken");
    }
}
