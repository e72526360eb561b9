//! Puffle's list, as it arrives.

use sender_operator::provider::list::AccountList;
use sender_operator::teardown::outcome::{Outcome, Refusal, Unknown};

use super::*;
#[cfg(target_os = "linux")]
use crate::memory::{is_measured, measure};
use crate::peer::{answer, json};

fn row(n: usize) -> String {
    format!(
        r#"{{"id":"00000000-0000-4000-8000-{n:012}","type":"linkedin","status":"connected","display_name":"{:200}"}}"#,
        ""
    )
}

fn rows(count: usize) -> String {
    (0..count).map(row).collect::<Vec<_>>().join(",")
}

async fn list(talk: Talk, limits: Limits) -> Result<AccountList, Exchange> {
    let peer = Peer::new(talk).await;
    let list = client(limits).list_accounts(&credential(Provider::Puffle, &peer.base())).await;
    let seen = peer.only_connection().await;
    assert!(seen.text().starts_with("GET /api/accounts HTTP/1.1\r\n"), "{}", seen.text());
    assert!(seen.text().contains(&format!("authorization: Bearer {KEY}\r\n")));
    list
}

fn outcome(list: Result<AccountList, Exchange>) -> Outcome {
    list.map_or_else(|exchange| exchange.outcome, |list| list.sight(&puffle()).outcome)
}

fn chunked(body: &str) -> Vec<u8> {
    let mut words = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in body.as_bytes().chunks(7) {
        words.extend(format!("{:x}\r\n", piece.len()).bytes());
        words.extend(piece);
        words.extend(b"\r\n");
    }
    words.extend(b"0\r\n\r\n");
    words
}

#[tokio::test]
async fn a_list_is_read_to_its_end_however_it_is_cut_into_pieces() {
    let body = format!(r#"{{"accounts":[{}]}}"#, rows(5000));
    for words in [json("200 OK", &body), chunked(&body)] {
        let list = list(Talk::Say(words), PATIENT).await.expect("a list");
        assert_eq!((list.len(), list.is_complete()), (5000, true));
        let target = |id: &str| Target::PuffleLinkedInPurge { account_id: id.to_owned() };
        assert_eq!(list.sight(&target("00000000-0000-4000-8000-000000004999")).outcome, Outcome::Alive);
        assert_eq!(list.sight(&target("00000000-0000-4000-8000-000000005000")).outcome, Outcome::Gone);
    }
}

#[tokio::test]
async fn half_a_list_is_no_list() {
    let body = format!(r#"{{"accounts":[{}]}}"#, rows(50));
    let whole = json("200 OK", &body);
    let ends_early = chunked(&body[..body.len() / 2]);
    for (words, why) in [
        (whole[..whole.len() - 1].to_vec(), Unknown::ConnectionLost),
        (whole[..whole.len() / 2].to_vec(), Unknown::ConnectionLost),
        (ends_early, Unknown::UnexpectedBody),
    ] {
        assert_eq!(outcome(list(Talk::Say(words), PATIENT).await), Outcome::Unknown(why));
    }
    let unfinished = Talk::Hold(whole[..whole.len() / 2].to_vec());
    assert_eq!(outcome(list(unfinished, IMPATIENT).await), Outcome::Unknown(Unknown::TimedOut));
}

#[tokio::test]
async fn an_answer_that_is_not_a_list_is_given_up_as_soon_as_that_shows() {
    let endless = Talk::Repeat(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{]".to_vec(),
        vec![b' '; 4096],
        Duration::ZERO,
    );
    for talk in [
        endless,
        Talk::Say(json("200 OK", r#"{"accounts":{}}"#)),
        Talk::Say(json("200 OK", "")),
        Talk::Say(answer("200 OK", "Content-Type: text/html\r\n", r#"{"accounts":[]}"#)),
        Talk::Say(answer(
            "200 OK",
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
            r#"{"accounts":[]}"#,
        )),
    ] {
        let exchange = list(talk, PATIENT).await.expect_err("no list");
        assert_eq!((exchange.outcome, exchange.http_status), (Outcome::Unknown(Unknown::UnexpectedBody), Some(200)));
    }
}

#[tokio::test]
async fn a_list_over_its_cap_is_no_list() {
    let limits = Limits { list: 10_000, ..PATIENT };
    let body = format!(r#"{{"accounts":[{}]}}"#, rows(100));
    assert_eq!(outcome(list(Talk::Say(json("200 OK", &body)), limits).await), Outcome::Unknown(Unknown::BodyTooLarge));
}

#[tokio::test]
async fn a_hint_at_a_further_page_in_the_headers_makes_absence_mean_nothing() {
    let linked = answer(
        "200 OK",
        "Content-Type: application/json\r\nLink: </api/accounts?page=2>; rel=\"next\"\r\n",
        r#"{"accounts":[]}"#,
    );
    assert_eq!(outcome(list(Talk::Say(linked), PATIENT).await), Outcome::Unknown(Unknown::BodyTooLarge));
    assert_eq!(outcome(list(Talk::Say(json("200 OK", r#"{"accounts":[]}"#)), PATIENT).await), Outcome::Gone);
}

#[tokio::test]
async fn an_error_in_place_of_a_list_is_never_an_absence() {
    let error = r#"{"error":{"code":"x","message":"m"}}"#;
    for (status, expected) in [
        ("401 X", Outcome::Refused(Refusal::Credentials)),
        ("403 X", Outcome::Refused(Refusal::Forbidden)),
        ("404 X", Outcome::Unknown(Unknown::NotOurEnvelope)),
        ("429 X", Outcome::Throttled),
        ("500 X", Outcome::Unknown(Unknown::ProviderFailure)),
        ("302 X", Outcome::Refused(Refusal::Redirected)),
        ("204 X", Outcome::Unknown(Unknown::UndocumentedStatus)),
    ] {
        assert_eq!(outcome(list(Talk::Say(json(status, error)), PATIENT).await), expected, "{status}");
    }
    let huge = Talk::Repeat(b"HTTP/1.1 404 X\r\n\r\n".to_vec(), vec![b' '; 4096], Duration::ZERO);
    assert_eq!(outcome(list(huge, PATIENT).await), Outcome::Unknown(Unknown::BodyTooLarge));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_longest_and_the_oddest_list_take_less_than_64_mib() {
    let call = async |base: String| drop(client(PATIENT).list_accounts(&credential(Provider::Puffle, &base)).await);
    if is_measured(call).await {
        return;
    }
    const SPACE: usize = 15 << 20;
    let short = |n: usize| format!(r#"{{"id":"00000000-0000-4000-8000-{n:012x}","type":"x","status":"y"}}"#);
    for (name, body) in [
        ("short rows", format!(r#"{{"accounts":[{}]}}"#, (0..SPACE / 72).map(short).collect::<Vec<_>>().join(","))),
        ("one long id", format!(r#"{{"accounts":[{{"id":"{}"}}]}}"#, "x".repeat(SPACE))),
        ("one long name", format!(r#"{{"{}":1}}"#, "x".repeat(SPACE))),
        ("many paging fields", format!(r#"{{{}"accounts":[]}}"#, r#""next":[[]],"#.repeat(SPACE / 12))),
        ("depth", format!(r#"{{"x":{}"#, "[".repeat(SPACE))),
    ] {
        let talk = Talk::Say(json("200 OK", &body));
        measure("lists::the_longest_and_the_oddest_list_take_less_than_64_mib", name, talk).await;
    }
}
