//! S9: keys are searched for wherever people or programs can read, in every form in which they could be there.

use crate::{Property, Violation};

/// Each key that shows in one of these places, each a name and its text.
pub fn check<'a>(keys: &[String], places: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Violation> {
    let forms: Vec<_> = keys.iter().flat_map(|key| forms(key)).collect();
    let mut found = Vec::new();
    for (place, text) in places {
        let shown = forms.iter().filter(|(_, needle)| text.contains(needle));
        found.extend(shown.map(|(form, needle)| {
            let line = text.lines().find(|line| line.contains(needle)).unwrap_or_default().to_owned();
            Violation { property: Property::S9, what: format!("a key shows {form} in {place}"), evidence: vec![line] }
        }));
    }
    found
}

/// The key as it is, in hex, and in base64 at each of its three alignments.
fn forms(key: &str) -> Vec<(&'static str, String)> {
    let mut forms = vec![("plain", key.to_owned()), ("in hex", hex::encode(key)), ("in hex", hex::encode_upper(key))];
    for skip in 0..3 {
        // Without the last group: what follows the key changes it.
        let whole = &key.as_bytes()[skip..];
        let groups = &whole[..whole.len() - whole.len() % 3];
        forms.push(("in base64", base64(groups)));
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0_u8; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for place in 0..4 {
            text.push(char::from(ALPHABET[(number >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "canary-0123456789abcdef-fedcba9876543210";

    fn shows(text: &str) -> bool {
        !check(&[KEY.to_owned()], [("the log", text)]).is_empty()
    }

    #[test]
    fn a_key_is_found_plain_in_hex_and_in_base64_wherever_it_begins() {
        assert!(shows(&format!("before {KEY} after")) && shows(&hex::encode(KEY)) && shows(&hex::encode_upper(KEY)));
        for before in ["", "a", "ab"] {
            assert!(shows(&base64(format!("{before}{KEY}===").as_bytes())), "{before}");
        }
    }

    #[test]
    fn a_text_without_the_key_is_clean() {
        assert!(!shows("canary") && !shows(&base64(b"something else")) && !shows(""));
    }
}
