//! What each provider answers by its own documentation, and what that does to its rows.

mod campaigns;
pub(crate) mod postpress;
pub(crate) mod puffle;

use percent_encoding::percent_decode_str;

use crate::account::Provider;
use crate::answer::Answer;
use crate::log::Effect;
use crate::wire::Request;
use crate::world::World;

/// The provider's own answer, and what the request did.
pub(crate) struct Handled {
    pub(crate) answer: Answer,
    pub(crate) effect: Effect,
}

impl Handled {
    fn without_effect(answer: Answer) -> Self {
        Self { answer, effect: Effect::None }
    }
}

/// Whether a request changes rows, or is only asked what it would answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Apply,
    Preview,
}

/// `workspace` is what the request's key opened when it arrived: a key revoked later stops nothing on its way.
pub(crate) fn handle(
    world: &mut World,
    provider: Provider,
    request: &Request,
    workspace: Option<u64>,
    mode: Mode,
) -> Handled {
    match provider {
        Provider::PostPress => postpress::handle(world, request, workspace, mode),
        Provider::Puffle => puffle::handle(world, request, workspace, mode),
    }
}

/// The key a request presents, where this provider documents it.
pub(crate) fn key(provider: Provider, request: &Request) -> Option<Vec<u8>> {
    match provider {
        Provider::PostPress => request.header("x-api-key").map(<[u8]>::to_vec),
        Provider::Puffle => {
            let value = request.header("authorization")?;
            let (scheme, token) = value.split_at_checked("Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.to_vec())
        }
    }
}

/// The account a path names, also under a base path that does not exist: `…/accounts/{id}`.
pub(crate) fn account(provider: Provider, path: &str) -> Option<String> {
    let (_, rest) = path.split_once("/accounts/")?;
    let id = percent_decode_str(rest).decode_utf8_lossy();
    (!id.is_empty()).then(|| provider.canonical(&id))
}

/// The one path segment after `prefix`, decoded.
fn segment(path: &str, prefix: &str) -> Option<String> {
    let raw = path.strip_prefix(prefix)?;
    (!raw.is_empty() && !raw.contains('/')).then(|| percent_decode_str(raw).decode_utf8_lossy().into_owned())
}

fn no_such_page(request: &Request) -> Answer {
    let page = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1>\
                <p>The requested URL was not found on this server.</p></body></html>\n";
    match request.method.as_str() {
        "HEAD" => Answer::html(404, ""),
        _ => Answer::html(404, page),
    }
}
