//! The container image, as `hack/image.sh` packs it: unpacked, and run in a root of its own as the user it names.
//! The program is built without optimisation here, for time; `make image` and `make image-reproducible` make the real one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../cluster/bed/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it serves other suites, too")]
mod bed;

#[path = "../provider_http/authority.rs"]
#[allow(dead_code, reason = "it serves another suite, too")]
mod authority;
mod contents;
mod tls;
mod unpacked;
mod work;
