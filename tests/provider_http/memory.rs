//! What a peer may send without end, and how little of it is kept: measured in a process of its own, this test once more.

use std::process::Command;

use super::*;

const PEER: &str = "PEER_OF_THE_MEMORY_TEST";
/// In KiB.
const MOST: u64 = 64 * 1024;

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// In a process of its own: makes the call, and checks what it took. `true`: this is that process.
pub async fn is_measured(call: impl AsyncFnOnce(String)) -> bool {
    let Ok(base) = std::env::var(PEER) else { return false };
    let before = peak();
    call(base).await;
    assert!(peak() - before < MOST, "{} KiB", peak() - before);
    true
}

/// Runs `test` again in a process of its own, for this peer.
pub async fn measure(test: &str, name: &str, talk: Talk) {
    let peer = Peer::new(talk).await;
    let mut child = Command::new(std::env::current_exe().expect("this test's binary"));
    child.args(["--exact", test]).env(PEER, peer.base());
    let output = tokio::task::spawn_blocking(move || child.output()).await.expect("no panic").expect("a process");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    peer.only_connection().await;
}

#[tokio::test]
async fn an_answer_without_end_takes_less_than_64_mib_however_it_goes_on() {
    let call = async |base: String| drop(delete_at(&base, IMPATIENT).await);
    if is_measured(call).await {
        return;
    }
    let head = |headers: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}").into_bytes();
    let piece = |text: &str| text.repeat(4096).into_bytes();
    let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
    let chunked = head("Transfer-Encoding: chunked\r\n\r\n");
    let drip = Duration::from_millis(1);
    for (name, talk) in [
        ("chunks", Talk::Repeat(chunked.clone(), chunk, Duration::ZERO)),
        ("chunks of one byte", Talk::Repeat(chunked.clone(), piece("1\r\n \r\n"), Duration::ZERO)),
        ("a chunk's extension", Talk::Repeat([chunked.clone(), b"1;x=".to_vec()].concat(), piece("x"), Duration::ZERO)),
        ("trailers", Talk::Repeat([chunked, b"0\r\n".to_vec()].concat(), piece("X: y\r\n"), Duration::ZERO)),
        (
            "a gigabyte that is announced",
            Talk::Repeat(head("Content-Length: 1073741824\r\n\r\n"), piece(" "), Duration::ZERO),
        ),
        ("no length", Talk::Repeat(head("\r\n"), piece(" "), Duration::ZERO)),
        (
            "what would be more when opened",
            Talk::Repeat(head("Content-Encoding: gzip\r\n\r\n"), piece("\0"), Duration::ZERO),
        ),
        ("one header", Talk::Repeat(head("X: "), piece("x"), Duration::ZERO)),
        ("headers", Talk::Repeat(head(""), piece("X: y\r\n"), Duration::ZERO)),
        ("hints before the answer", Talk::Repeat(Vec::new(), piece("HTTP/1.1 103 X\r\n\r\n"), Duration::ZERO)),
        ("drops", Talk::Repeat(head("\r\n"), b" ".to_vec(), drip)),
    ] {
        measure("memory::an_answer_without_end_takes_less_than_64_mib_however_it_goes_on", name, talk).await;
    }
}
