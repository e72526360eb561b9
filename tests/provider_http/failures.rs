//! Every way in which an exchange can fail, and what it means: not sent, or nobody knows.

use std::time::Duration;

use sender_operator::teardown::outcome::{NotSent, Outcome, Unknown};

use super::*;
use crate::peer::{answer, json};

fn head(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}\r\n").into_bytes()
}

async fn unknown(talk: Talk, limits: Limits) -> (Unknown, Option<u16>) {
    let exchange = delete(talk, limits).await;
    let Outcome::Unknown(why) = exchange.outcome else { panic!("{exchange:?}") };
    (why, exchange.http_status)
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    // Bound and not listening: nobody else can have the port, and nobody answers on it.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let base = format!("http://{}", socket.local_addr().expect("its address"));
    assert_eq!(delete_at(&base, PATIENT).await.outcome, Outcome::NotSent(NotSent::ConnectFailure));
}

#[tokio::test]
async fn a_connection_that_nobody_accepts_means_that_nothing_was_sent() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("its address");
    // Until its queue takes nobody more: the kernel then drops who asks.
    let mut queue = Vec::new();
    while let Ok(Ok(waiting)) =
        tokio::time::timeout(Duration::from_secs(2), tokio::net::TcpStream::connect(address)).await
    {
        queue.push(waiting);
    }
    let limits = Limits { connect: Duration::from_millis(300), ..PATIENT };
    let exchange = delete_at(&format!("http://{address}"), limits).await;
    assert_eq!(exchange.outcome, Outcome::NotSent(NotSent::ConnectFailure), "with {} in the queue", queue.len());
}

#[tokio::test]
async fn a_connection_that_ends_before_a_whole_answer_leaves_the_outcome_unknown() {
    let cut = |bytes: &[u8]| Talk::Say(bytes.to_vec());
    let whole = json("200 OK", ACKED);
    for (talk, status) in [
        (Talk::Close, None),
        (Talk::Reset(1), None),
        (Talk::Reset(40), None),
        (cut(b""), None),
        (cut(b"HTTP/1.1 200 OK\r\nContent-Ty"), None),
        (cut(&head("200 OK", "Content-Length: 27\r\n")), Some(200)),
        (cut(&whole[..whole.len() - 1]), Some(200)),
        (cut(&head("404 Not Found", "Content-Length: 70\r\n")), Some(404)),
        (
            cut(&[&head("200 OK", "Transfer-Encoding: chunked\r\n")[..], b"1b\r\n", ACKED.as_bytes(), b"\r\n"].concat()),
            Some(200),
        ),
    ] {
        assert_eq!(unknown(talk, PATIENT).await, (Unknown::ConnectionLost, status));
    }
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_judged_by_what_it_says() {
    assert_eq!(
        delete(Talk::Say([&head("200 OK", "")[..], ACKED.as_bytes()].concat()), PATIENT).await.outcome,
        Outcome::Acked
    );
    for said in ["", &ACKED[..20]] {
        let talk = Talk::Say([&head("200 OK", "")[..], said.as_bytes()].concat());
        assert_eq!(unknown(talk, PATIENT).await, (Unknown::UnexpectedBody, Some(200)));
    }
}

#[tokio::test]
async fn a_peer_that_never_finishes_is_left_at_the_total_deadline_however_busy_it_is() {
    let drip = |words: &[u8]| Talk::Repeat(words.to_vec(), b" ".to_vec(), Duration::from_millis(5));
    for (talk, status) in [
        (Talk::Hold(Vec::new()), None),
        (Talk::Hold(head("200 OK", "Content-Length: 27\r\n")), Some(200)),
        (drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), None),
        (drip(&head("200 OK", "Content-Length: 60000\r\n")), Some(200)),
        (Talk::Repeat(Vec::new(), b"HTTP/1.1 102 Processing\r\n\r\n".to_vec(), Duration::from_millis(5)), None),
        (Talk::Repeat(Vec::new(), b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), Duration::ZERO), None),
    ] {
        assert_eq!(unknown(talk, IMPATIENT).await, (Unknown::TimedOut, status));
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_not_read_to_its_end() {
    let endless = Talk::Repeat(
        head("200 OK", "Transfer-Encoding: chunked\r\n"),
        [&b"1000\r\n"[..], &[b' '; 4096], b"\r\n"].concat(),
        Duration::ZERO,
    );
    let gigabyte = Talk::Repeat(head("200 OK", "Content-Length: 1073741824\r\n"), vec![b' '; 4096], Duration::ZERO);
    let unmeasured = Talk::Repeat(head("404 Not Found", ""), vec![b' '; 4096], Duration::ZERO);
    for (talk, status) in [(endless, 200), (gigabyte, 200), (unmeasured, 404)] {
        assert_eq!(unknown(talk, PATIENT).await, (Unknown::BodyTooLarge, Some(status)));
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_read_and_one_byte_more_is_not() {
    let padded = |length: usize| json("200 OK", &format!("{ACKED}{}", " ".repeat(length - ACKED.len())));
    assert_eq!(delete(Talk::Say(padded(64 * 1024)), PATIENT).await.outcome, Outcome::Acked);
    assert_eq!(unknown(Talk::Say(padded(64 * 1024 + 1)), PATIENT).await, (Unknown::BodyTooLarge, Some(200)));
}

#[tokio::test]
async fn what_is_compressed_although_nobody_asked_is_not_opened() {
    for coding in ["gzip", "br", "zstd", "identity, gzip", ""] {
        let answer =
            answer("200 OK", &format!("Content-Type: application/json\r\nContent-Encoding: {coding}\r\n"), ACKED);
        assert_eq!(unknown(Talk::Say(answer), PATIENT).await, (Unknown::UnexpectedBody, Some(200)), "{coding}");
    }
    let plain = answer("200 OK", "Content-Type: application/json\r\nContent-Encoding: identity\r\n", ACKED);
    assert_eq!(delete(Talk::Say(plain), PATIENT).await.outcome, Outcome::Acked);
}

#[tokio::test]
async fn what_is_not_http_1_is_somebody_elses_answer() {
    let header = |header: &str| answer("200 OK", &format!("Content-Type: application/json\r\n{header}"), ACKED);
    for (name, words) in [
        ("HTTP/0.9", ACKED.as_bytes().to_vec()),
        ("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("HTTP/2 frames", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\0\xff\xff\0\x05\0\0\x40\0".to_vec()),
        ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("a status of two digits", json("20 OK", ACKED)),
        ("status 000", json("000 OK", ACKED)),
        ("status 099", json("099 OK", ACKED)),
        ("a header line of 1 MiB", header(&format!("X-Long: {}\r\n", "x".repeat(1 << 20)))),
        ("10,000 headers", header(&"X-Many: x\r\n".repeat(10_000))),
        ("a folded header", header("X-Folded: a\r\n b\r\n")),
        ("a header name with a space", header("X Odd: a\r\n")),
        ("a header with a NUL", header("X-Nul: a\0b\r\n")),
        ("a bare CR in a header", header("X-Cr: a\rb\r\n")),
        ("a header without a colon", header("nothing\r\n")),
    ] {
        let exchange = delete(Talk::Say(words), PATIENT).await;
        assert_eq!(exchange.outcome, Outcome::Unknown(Unknown::NotOurEnvelope), "{name}");
    }
}

#[tokio::test]
async fn early_hints_before_the_answer_change_nothing() {
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let exchange = delete(Talk::Say([&hints[..], &json("200 OK", ACKED)].concat()), PATIENT).await;
    assert_eq!(exchange.outcome, Outcome::Acked);
}

#[tokio::test]
async fn a_status_that_nobody_documents_leaves_the_outcome_unknown() {
    for status in
        ["201", "202", "204", "205", "206", "226", "299", "402", "410", "418", "451", "501", "505", "600", "999"]
    {
        let exchange = delete(Talk::Say(json(&format!("{status} X"), "")), PATIENT).await;
        assert_eq!(exchange.outcome, Outcome::Unknown(Unknown::UndocumentedStatus), "{status}");
        assert_eq!(exchange.http_status, status.parse().ok());
    }
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for_is_no_answer() {
    let exchange =
        delete(Talk::Say(b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n".to_vec()), PATIENT)
            .await;
    assert!(matches!(exchange.outcome, Outcome::Unknown(_)), "{exchange:?}");
}

#[tokio::test]
async fn a_body_of_two_lengths_is_never_a_success() {
    let length = ACKED.len();
    for headers in [
        format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\nContent-Length: 5\r\n"),
        format!("Content-Length: {length}, {length}\r\n"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: +{length}\r\n"),
        format!("Content-Length: -{length}\r\n"),
        "Content-Length: 5\r\n".to_owned(),
        "Content-Length: 0\r\n".to_owned(),
        "Content-Length: 99999999999999999999999\r\n".to_owned(),
        format!("Transfer-Encoding: identity\r\nContent-Length: {length}\r\n"),
    ] {
        for body in [ACKED.to_owned(), format!("{length:x}\r\n{ACKED}\r\n0\r\n\r\n")] {
            let exchange = delete(Talk::Say([&head("200 OK", &headers)[..], body.as_bytes()].concat()), PATIENT).await;
            assert!(matches!(exchange.outcome, Outcome::Unknown(_)), "{headers:?} {exchange:?}");
        }
    }
}
