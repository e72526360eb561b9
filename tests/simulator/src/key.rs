//! Provider keys are recognised by their bytes and shown only as fingerprints.

use sha2::{Digest, Sha256};

/// A shorter key is not looked for in other text: it would be found in words that only look like it.
const SHORTEST_REDACTED: usize = 8;

/// The first 16 hex characters of the SHA-256 of a key: how the wire log names it.
pub fn fingerprint(key: impl AsRef<[u8]>) -> String {
    let mut hex = hex::encode(Sha256::digest(key));
    hex.truncate(16);
    hex
}

/// Replaces every appearance of `keys` in `text`, for a client that puts a key where it does not belong.
pub(crate) fn redact(text: &str, keys: &[&[u8]]) -> String {
    let mut shown = text.to_owned();
    for key in keys.iter().filter(|key| key.len() >= SHORTEST_REDACTED) {
        if let Ok(word) = std::str::from_utf8(key)
            && shown.contains(word)
        {
            shown = shown.replace(word, &format!("<key {}>", fingerprint(key)));
        }
    }
    shown
}
