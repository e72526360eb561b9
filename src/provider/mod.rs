//! The two providers: their requests, and what their answers mean. `postpress`, `puffle` and what they are made of are
//! pure; `http` acts, over one connection that `wire` opens and nobody uses again.

pub mod address;
pub mod answer;
pub mod endpoint;
pub mod http;
pub mod list;
mod list_reader;
pub mod postpress;
pub mod puffle;
pub mod retry_after;
pub mod wire;
