//! What strangers control, made up: providers' answers, lists, waits, Secrets, base URLs, ids and stored objects go into the
//! operator's own functions, and what comes out keeps its promises whatever went in.
//!
//! Every input is bytes. Those under `corpus` are tried first; then each of them changed here and there, and new ones of the
//! right shape, from a seed. A failing input is made as small as it gets and saved into the corpus. `FUZZ_SEED` repeats a
//! run, `FUZZ_SECONDS` makes it last: `make torture-fuzz`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod answers;
mod endpoints;
mod lists;
mod mutate;
mod objects;
mod run;
mod secrets;
mod waits;
mod wire;
