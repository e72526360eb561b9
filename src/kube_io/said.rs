//! What somebody else wrote, made safe to show.

use std::error::Error;

/// Printable ASCII, at most 256 characters.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(256).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// What an error says, and what its sources say beyond that: kube's own words for a certificate that is not trusted are
/// "client error (Connect)".
pub fn said(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut sources = error.source();
    while let Some(source) = sources {
        let more = source.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        sources = source.source();
    }
    printable(&said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot {what}")]
    struct Failed {
        what: &'static str,
        source: Option<Box<Failed>>,
    }

    #[test]
    fn an_error_is_shown_with_what_its_sources_say_beyond_it() {
        let of = |what, source: Option<Failed>| Failed { what, source: source.map(Box::new) };
        let error = of("connect", Some(of("conn", Some(of("trust\n\u{e9}", None)))));
        assert_eq!(said(&error), "cannot connect: cannot trust??");
    }
}
