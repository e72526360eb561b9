//! Puffle's list of accounts, as its body.

use std::io::Read;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use sender_operator::provider::list::AccountList;
use sender_operator::teardown::outcome::Outcome;
use sender_operator::teardown::target::Target;
use serde_json::{Map, Value, json};

use crate::run::fuzz;

const ID: &str = "0b4fc1a2-0000-4000-8000-0123456789ab";

#[test]
fn no_list_takes_an_account_that_it_shows_for_absent_or_one_that_it_does_not_show_for_there() {
    fuzz("lists", 100, list(), promise);
}

fn list() -> BoxedStrategy<Vec<u8>> {
    let ids = prop_oneof![
        3 => Just(json!(ID)),
        1 => Just(json!(ID.to_uppercase())),
        2 => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}".prop_map(Value::String),
        1 => any::<String>().prop_map(Value::String),
        1 => Just(Value::Null),
    ];
    let kinds = select(vec![json!("linkedin"), json!("email"), json!("x"), Value::Null]);
    let statuses = select(vec![
        json!("connected"),
        json!("disconnected"),
        json!("active"),
        json!("credentials_required"),
        json!(1),
    ]);
    let row = (ids, kinds, statuses, option::of(any::<String>()))
        .prop_map(|(id, kind, status, name)| json!({"id": id, "type": kind, "status": status, "display_name": name}));
    let hints = vec!["next", "nextCursor", "has_more", "total", "limit", "page", "meta", "x"];
    let more = vec(
        (select(hints), select(vec![json!(null), json!(0), json!(1), json!(100), json!(true), json!({"x": 1})])),
        0..3,
    );
    (vec(row, 0..5), more)
        .prop_map(|(rows, more)| {
            let mut list: Map<String, Value> = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            list.insert("accounts".to_owned(), Value::Array(rows));
            Value::Object(list).to_string().into_bytes()
        })
        .boxed()
}

/// Brings a few bytes at a time.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(buffer.len()).min(3);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn promise(input: &[u8]) -> Result<(), TestCaseError> {
    let list = AccountList::read(input);
    prop_assert_eq!(&list, &AccountList::read(Drip(input)), "however it arrives");
    let Some(list) = list else { return Ok(()) };
    // A row takes more than its id: what is kept is less than what came.
    prop_assert!(list.len() * 36 <= input.len());
    // What is skipped need not be UTF-8.
    let said: Option<Value> = serde_json::from_str(&String::from_utf8_lossy(input)).ok();
    let rows = said.as_ref().and_then(|said| said["accounts"].as_array().cloned()).unwrap_or_default();
    let of_id = |row: &&Value| row["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(ID));
    let rows: Vec<&Value> = rows.iter().filter(of_id).collect();
    for target in [
        Target::PuffleLinkedInDisconnect { account_id: ID.to_owned() },
        Target::PuffleLinkedInPurge { account_id: ID.to_owned() },
        Target::PuffleEmail { account_id: ID.to_owned() },
        Target::PostPress { account_id: ID.to_owned() },
    ] {
        let outcome = list.sight(&target).outcome;
        let shows = |kind: &str, statuses: &[&str]| {
            rows.len() == 1 && rows[0]["type"] == kind && statuses.iter().any(|status| rows[0]["status"] == *status)
        };
        let told = match (&target, outcome) {
            (Target::PostPress { .. }, outcome) => matches!(outcome, Outcome::Unknown(_)),
            (_, Outcome::Gone) => rows.is_empty() && list.is_complete(),
            (Target::PuffleEmail { .. }, Outcome::Alive) => shows("email", &["pending", "warming", "active"]),
            (Target::PuffleEmail { .. }, Outcome::SoftGone) => false,
            (_, Outcome::Alive) => shows("linkedin", &["connected"]),
            (_, Outcome::SoftGone) => shows("linkedin", &["disconnected"]),
            (_, outcome) => matches!(outcome, Outcome::Refused(_) | Outcome::Unknown(_)),
        };
        prop_assert!(told, "{:?} of {:?}", outcome, target);
        let halved = list.clone().with_more_to_come();
        prop_assert!(halved.sight(&target).outcome != Outcome::Gone, "absent from a part of a list");
    }
    Ok(())
}
