use std::io;

use proptest::prelude::*;

use super::*;

const ID: &str = "0b4fc1a2-0000-4000-8000-0123456789ab";
const OTHER: &str = "11111111-2222-4333-8444-555555555555";

fn linkedin() -> Target {
    Target::PuffleLinkedInDisconnect { account_id: ID.to_owned() }
}

fn email() -> Target {
    Target::PuffleEmail { account_id: ID.to_owned() }
}

fn row(id: &str, kind: &str, status: &str) -> String {
    format!(r#"{{"user_id":"u","id":"{id}","type":"{kind}","x":{{"id":"nested"}},"status":"{status}"}}"#)
}

fn list(rows: &[String], more: &str) -> AccountList {
    let body = format!(r#"{{"accounts":[{}]{more}}}"#, rows.join(","));
    AccountList::read(body.as_bytes()).expect("a list")
}

fn sight(target: &Target, rows: &[String], more: &str) -> Outcome {
    list(rows, more).sight(target).outcome
}

#[test]
fn a_row_shows_what_its_status_says() {
    for (target, kind, status, outcome) in [
        (linkedin(), "linkedin", "connected", Outcome::Alive),
        (linkedin(), "linkedin", "disconnected", Outcome::SoftGone),
        (linkedin(), "linkedin", "credentials_required", Outcome::Refused(Refusal::UnrecognisedStatus)),
        (linkedin(), "linkedin", "active", Outcome::Refused(Refusal::UnrecognisedStatus)),
        (linkedin(), "linkedin", "Connected", Outcome::Refused(Refusal::UnrecognisedStatus)),
        (email(), "email", "pending", Outcome::Alive),
        (email(), "email", "warming", Outcome::Alive),
        (email(), "email", "active", Outcome::Alive),
        (email(), "email", "disconnected", Outcome::Refused(Refusal::UnrecognisedStatus)),
        (linkedin(), "email", "active", Outcome::Refused(Refusal::WrongChannel)),
        (email(), "linkedin", "connected", Outcome::Refused(Refusal::WrongChannel)),
        (email(), "whatsapp", "connected", Outcome::Refused(Refusal::WrongChannel)),
    ] {
        let rows = [row(OTHER, "email", "active"), row(ID, kind, status)];
        assert_eq!(sight(&target, &rows, ""), outcome, "{kind} {status}");
    }
}

#[test]
fn a_purge_target_is_a_linkedin_row_too() {
    let target = Target::PuffleLinkedInPurge { account_id: ID.to_owned() };
    assert_eq!(sight(&target, &[row(ID, "linkedin", "connected")], ""), Outcome::Alive);
}

#[test]
fn a_sight_is_a_200_and_a_list_knows_its_length() {
    let rows = [row(OTHER, "email", "active"), row(ID, "linkedin", "connected")];
    assert_eq!(list(&rows, "").sight(&linkedin()), Exchange { http_status: Some(200), ..Outcome::Alive.into() });
    assert_eq!((list(&rows, "").len(), list(&rows, "").is_empty()), (2, false));
    assert_eq!((list(&[], "").len(), list(&[], "").is_empty()), (0, true));
    assert!(list(&rows, "").is_complete() && !list(&rows, "").with_more_to_come().is_complete());
}

#[test]
fn an_id_is_found_in_either_case() {
    assert_eq!(sight(&linkedin(), &[row(&ID.to_uppercase(), "linkedin", "connected")], ""), Outcome::Alive);
}

#[test]
fn absence_from_a_whole_list_is_absence() {
    assert_eq!(sight(&linkedin(), &[], ""), Outcome::Gone);
    assert_eq!(sight(&linkedin(), &[row(OTHER, "linkedin", "connected")], ""), Outcome::Gone);
    for harmless in [
        r#","next_cursor":null"#,
        r#","has_more":false"#,
        r#","next":"""#,
        r#","links":{}"#,
        r#","total":1"#,
        r#","total":0"#,
        r#","total":null"#,
        r#","limit":100"#,
        r#","limit":false"#,
        r#","request_id":"x","plan":{"seats":[1,2]}"#,
    ] {
        assert_eq!(sight(&linkedin(), &[row(OTHER, "linkedin", "connected")], harmless), Outcome::Gone, "{harmless}");
    }
}

#[test]
fn absence_means_nothing_where_a_paging_field_hints_at_more_and_presence_still_does() {
    for hint in [
        r#","next_cursor":"abc""#,
        r#","nextCursor":"abc""#,
        r#","cursor":"abc""#,
        r#","has_more":true"#,
        r#","hasMore":true"#,
        r#","next":"https://app.puffle.ai/api/accounts?page=2""#,
        r#","page":1"#,
        r#","total":2"#,
        r#","total":"many""#,
        r#","limit":1"#,
        r#","limit":"many""#,
        r#","limit":1,"limit":100"#,
        r#","total":2,"total":1"#,
        r#","next":{"x":1}"#,
        r#","next":-1"#,
        r#","next":1.5"#,
        r#","pagination":{"page":1}"#,
        r#","meta":{"x":1}"#,
        r#","links":[{}]"#,
        r#","error":"partial""#,
    ] {
        let absent = sight(&linkedin(), &[row(OTHER, "linkedin", "connected")], hint);
        assert_eq!(absent, Outcome::Unknown(Unknown::BodyTooLarge), "{hint}");
        assert_eq!(sight(&linkedin(), &[row(ID, "linkedin", "connected")], hint), Outcome::Alive, "{hint}");
    }
}

#[test]
fn absence_means_nothing_where_a_row_cannot_be_read() {
    for bad in [
        "{}".to_owned(),
        row("not-a-uuid", "linkedin", "connected"),
        row(&ID.replace('-', ""), "linkedin", "connected"),
        row(&"x".repeat(1000), "linkedin", "connected"),
        row("", "linkedin", "connected"),
        format!(r#"{{"id":"{OTHER}","type":"linkedin"}}"#),
        format!(r#"{{"id":"{OTHER}","type":"linkedin","status":null}}"#),
        format!(r#"{{"id":"{OTHER}","type":["linkedin"],"status":"connected"}}"#),
        format!(r#"{{"id":"{OTHER}","type":"linkedin","type":"linkedin","status":"connected"}}"#),
        format!(r#"{{"id":"{OTHER}","type":"linkedin","status":"connected","status":"connected"}}"#),
        r#"{"id":7,"type":"linkedin","status":"connected"}"#.to_owned(),
    ] {
        assert_eq!(
            sight(&linkedin(), std::slice::from_ref(&bad), ""),
            Outcome::Unknown(Unknown::BodyTooLarge),
            "{bad:.80}"
        );
    }
}

#[test]
fn a_list_with_a_row_that_names_two_ids_is_none() {
    for (first, second) in [(ID, ID), (ID, OTHER), (OTHER, ID), (OTHER, "x")] {
        let two = format!(r#"{{"id":"{first}","type":"linkedin","id":"{second}","status":"connected"}}"#);
        let list = format!(r#"{{"accounts":[{},{two}]}}"#, row(ID, "linkedin", "connected"));
        assert_eq!(AccountList::read(list.as_bytes()), None, "{list}");
    }
}

#[test]
fn a_row_whose_type_or_status_cannot_be_read_shows_nothing_of_its_account() {
    for rest in [
        r#""type":"linkedin""#,
        r#""status":"connected""#,
        r#""type":"linkedin","status":null"#,
        r#""type":["linkedin"],"status":"connected""#,
        r#""type":"linkedin","type":"linkedin","status":"connected""#,
    ] {
        let row = format!(r#"{{"id":"{ID}",{rest}}}"#);
        assert_eq!(sight(&linkedin(), &[row], ""), Outcome::Unknown(Unknown::UnexpectedBody), "{rest}");
    }
}

#[test]
fn an_id_that_stands_twice_shows_nothing_and_makes_absence_mean_nothing() {
    let twice = [row(ID, "linkedin", "disconnected"), row(&ID.to_uppercase(), "linkedin", "connected")];
    assert_eq!(sight(&linkedin(), &twice, ""), Outcome::Unknown(Unknown::UnexpectedBody));
    let other = Target::PuffleEmail { account_id: OTHER.to_owned() };
    assert_eq!(sight(&other, &twice, ""), Outcome::Unknown(Unknown::BodyTooLarge));
}

#[test]
fn what_is_not_one_whole_list_is_no_list() {
    let whole = format!(r#"{{"accounts":[{}]}}"#, row(ID, "linkedin", "connected"));
    for length in 0..whole.len() {
        assert_eq!(AccountList::read(&whole.as_bytes()[..length]), None, "cut after {length}");
    }
    for body in [
        "null",
        "[]",
        "{}",
        r#"{"data":[]}"#,
        r#"{"accounts":null}"#,
        r#"{"accounts":{}}"#,
        r#"{"accounts":[null]}"#,
        r#"{"accounts":[[]]}"#,
        r#"{"accounts":[],"accounts":[]}"#,
        r#"{"accounts":[]} x"#,
        "\u{feff}{\"accounts\":[]}",
    ] {
        assert_eq!(AccountList::read(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn another_providers_account_is_not_looked_for_here() {
    let target = Target::PostPress { account_id: ID.to_owned() };
    assert_eq!(sight(&target, &[], ""), Outcome::Unknown(Unknown::UnexpectedBody));
}

#[test]
fn a_list_as_deep_as_it_is_long_is_read_without_recursion() {
    let deep = format!(r#"{{"x":{}{},"accounts":[]}}"#, "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert!(AccountList::read(deep.as_bytes()).is_some_and(|list| list.is_complete()));
}

#[test]
fn a_reader_that_fails_brings_no_list() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cut"))
        }
    }
    let begun = format!(r#"{{"accounts":[{},"#, row(ID, "linkedin", "connected"));
    assert_eq!(AccountList::read(begun.as_bytes().chain(Broken)), None);
}

proptest! {
    #[test]
    fn no_bytes_make_the_list_panic(body in any::<Vec<u8>>()) {
        let _ = AccountList::read(&body[..]);
    }

    #[test]
    fn a_listed_account_is_never_taken_for_absent(before in 0usize..5, after in 0usize..5, more in "(,\"[a-z_]{1,8}\":[1-9][0-9]{0,2})?") {
        let id = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
        let mut rows: Vec<String> = (0..before).map(|n| row(&id(n), "email", "active")).collect();
        rows.push(row(ID, "linkedin", "connected"));
        rows.extend((0..after).map(|n| row(&id(100 + n), "email", "active")));
        prop_assert_eq!(sight(&linkedin(), &rows, &more), Outcome::Alive);
    }
}
