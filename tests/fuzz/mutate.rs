//! A known input, changed here and there.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What breaks parsers.
const TOKENS: [&str; 42] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e999",
    "\0",
    "\r\n",
    "\n\n",
    " ",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[31m",
    "%s",
    "%2f",
    "%00",
    "/",
    "..",
    "?",
    "#",
    "@",
    "://",
    "[::1]",
    "127.0.0.1",
    "{\"",
    "\"}",
    "\\u0000",
    "200",
    "404",
    "errors/resource_not_found",
    "AccountDeleted",
    "18446744073709551616",
    "9999-12-31T23:59:59Z",
    "é",
];

/// One change.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Put(Index, &'static str),
    Cut(Index, usize),
    Copy(Index, usize, Index),
    Repeat(Index, u8, usize),
    Stop(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, mask)| Change::Flip(at, mask)),
        4 => (at(), select(TOKENS.to_vec())).prop_map(|(at, token)| Change::Put(at, token)),
        3 => (at(), 1_usize..30).prop_map(|(at, bytes)| Change::Cut(at, bytes)),
        2 => (at(), 1_usize..60, at()).prop_map(|(from, bytes, to)| Change::Copy(from, bytes, to)),
        1 => (at(), any::<u8>(), select(vec![1_usize, 64, 65, 1024, 5000])).prop_map(|(at, byte, times)| Change::Repeat(at, byte, times)),
        1 => at().prop_map(Change::Stop),
    ]
}

/// This input with a few changes; fewer when it is made small.
pub fn mutated(input: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    vec(change(), 1..6).prop_map(move |changes| changes.into_iter().fold(input.clone(), apply))
}

fn apply(mut input: Vec<u8>, change: Change) -> Vec<u8> {
    // Where something is put, also behind the last byte.
    let at = |index: Index, input: &[u8]| index.index(input.len() + 1);
    match change {
        Change::Flip(index, mask) => {
            let at = at(index, &input);
            if let Some(byte) = input.get_mut(at) {
                *byte ^= mask;
            }
        }
        Change::Put(index, token) => {
            let at = at(index, &input);
            input.splice(at..at, token.bytes());
        }
        Change::Cut(index, bytes) => {
            let at = at(index, &input);
            let end = (at + bytes).min(input.len());
            input.drain(at..end);
        }
        Change::Copy(from, bytes, to) => {
            let from = at(from, &input);
            let piece = input[from..(from + bytes).min(input.len())].to_vec();
            let to = at(to, &input);
            input.splice(to..to, piece);
        }
        Change::Repeat(index, byte, times) => {
            let at = at(index, &input);
            input.splice(at..at, std::iter::repeat_n(byte, times));
        }
        Change::Stop(index) => input.truncate(at(index, &input)),
    }
    input
}
