//! No key leaves: every place that people or programs can read is searched for the bytes of every key of the test.

use super::Bed;

impl Bed {
    /// Searches logs, Events, objects and their status for the keys' bytes, plain, in hex and in base64.
    pub async fn assert_no_key_shows(&self) {
        let mut places = vec![
            ("Events", self.kubectl(&["get", "events", "-o", "yaml"]).await),
            ("objects", self.kubectl(&["get", "sacc", "-o", "yaml"]).await),
        ];
        for log in self.logs.lock().unwrap().iter() {
            places.push(("the operator's log", std::fs::read_to_string(log).expect("the log is there")));
        }
        for key in self.keys.lock().unwrap().iter() {
            for (form, needle) in forms(key) {
                for (place, text) in &places {
                    assert!(!text.contains(&needle), "a key shows {form} in {place}");
                }
            }
        }
    }

    /// Searches this text, too.
    pub fn assert_no_key_in(&self, place: &str, text: &str) {
        for key in self.keys.lock().unwrap().iter() {
            for (form, needle) in forms(key) {
                assert!(!text.contains(&needle), "a key shows {form} in {place}");
            }
        }
    }
}

/// The key as it is, in hex, and in base64 at each of its three alignments.
fn forms(key: &str) -> Vec<(&'static str, String)> {
    let mut forms = vec![("plain", key.to_owned()), ("in hex", hex::encode(key))];
    for skip in 0..3 {
        let encoded = base64(&key.as_bytes()[skip..]);
        forms.push(("in base64", encoded[..encoded.len() - 4].to_owned()));
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
