//! No key leaves: every place that people or programs can read is searched for the bytes of every key of the test.

use http::Request;
use trace_checker::{Property, Violation, keys};

use super::{Bed, Operator};

impl Bed {
    /// Searches logs, Events, objects and their status for the keys' bytes, plain, in hex and in base64.
    pub async fn assert_no_key_shows(&self) {
        let mut places = vec![
            ("Events".to_owned(), self.all("/api/v1", "events").await),
            ("objects".to_owned(), self.all("/apis/sender-operator.dev/v1alpha1", "senderaccounts").await),
        ];
        for log in self.logs.lock().unwrap().iter() {
            places.push(("the operator's log".to_owned(), std::fs::read_to_string(log).expect("the log is there")));
        }
        self.assert_no_key_in_any(&places);
    }

    /// Every object of the namespace, byte for byte as the API server shows it.
    async fn all(&self, api: &str, plural: &str) -> String {
        let path = format!("{api}/namespaces/{}/{plural}", self.namespace);
        let request = Request::get(&path).body(Vec::new()).expect("a request");
        self.client.request_text(request).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Searches this text, too.
    pub fn assert_no_key_in(&self, place: &str, text: &str) {
        self.assert_no_key_in_any(&[(place.to_owned(), text.to_owned())]);
    }

    /// Searches what everybody on the machine may see of the process.
    pub fn assert_no_key_in_process(&self, operator: &Operator) {
        for file in ["environ", "cmdline"] {
            let path = format!("/proc/{}/{file}", operator.pid());
            let bytes = std::fs::read(&path).expect("the operator runs");
            assert!(!bytes.is_empty(), "{path} is empty");
            self.assert_no_key_in(&path, &String::from_utf8_lossy(&bytes));
        }
    }

    fn assert_no_key_in_any(&self, places: &[(String, String)]) {
        let found =
            keys::check(&self.keys.lock().unwrap(), places.iter().map(|(place, text)| (place.as_str(), text.as_str())));
        let shown: Vec<_> = found.iter().map(Violation::to_string).collect();
        assert!(shown.is_empty() || self.recorder.is_excused(Property::S9), "{}", shown.join("\n"));
    }
}
