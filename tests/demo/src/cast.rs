//! Who plays: the accounts of the samples, and what each one's object promises of its end.

use provider_simulator::{Kind, Provider, Seed, SeedAccount, SeedWorkspace, State};
use sender_operator::crd::{API_KEY, BASE_URL, Channel, LinkedInTeardown, ProviderRef, SenderAccountSpec};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;

/// The samples, by their path from the workspace's root.
pub const ACCOUNTS: &str = "config/samples/accounts.yaml";
/// The Secrets that they name.
pub const CREDENTIALS: &str = "config/samples/credentials.yaml";

/// One account of the samples.
#[derive(Clone, Debug)]
pub struct Part {
    /// `metadata.name` of its object.
    pub object: String,
    /// The provider's id of it.
    pub account: String,
    /// Whose it is.
    pub provider: Provider,
    kind: Kind,
    /// How it has to end.
    pub ending: State,
}

/// Every account of the samples.
pub fn parts() -> Result<Vec<Part>, Failure> {
    documents(include_str!("../../../config/samples/accounts.yaml"))?.iter().map(Part::of).collect()
}

impl Part {
    fn of(object: &Value) -> Result<Self, Failure> {
        let name = object["metadata"]["name"].as_str().ok_or("a sample has no name")?.to_owned();
        let spec: SenderAccountSpec = serde_json::from_value(object["spec"].clone())?;
        let (provider, account, kind, ending) = match spec.provider {
            ProviderRef { postpress: Some(it), .. } => {
                (Provider::PostPress, it.account_id, Kind::PostPress, State::Gone)
            }
            ProviderRef { puffle: Some(it), .. } => match (it.channel, it.teardown) {
                (Channel::Email, _) => (Provider::Puffle, it.account_id, Kind::Email, State::Gone),
                (Channel::LinkedIn, Some(LinkedInTeardown::Purge)) => {
                    (Provider::Puffle, it.account_id, Kind::LinkedIn, State::Gone)
                }
                (Channel::LinkedIn, _) => (Provider::Puffle, it.account_id, Kind::LinkedIn, State::Disconnected),
            },
            ProviderRef { .. } => return Err(format!("the sample {name} names no provider").into()),
        };
        Ok(Self { object: name, account, provider, kind, ending })
    }
}

/// Both providers with the accounts of `parts`, connected, each provider's opened by its [`key`].
pub fn seed(parts: &[Part]) -> Seed {
    let row = |part: &Part| SeedAccount { id: part.account.clone(), kind: Some(part.kind), status: None };
    let workspace = |provider| SeedWorkspace {
        provider,
        keys: vec![key(provider).to_owned()],
        accounts: parts.iter().filter(|part| part.provider == provider).map(row).collect(),
    };
    Seed { workspaces: Provider::ALL.map(workspace).into() }
}

/// The key that opens the accounts at a provider: told apart from anything else a log could contain.
pub fn key(provider: Provider) -> &'static str {
    match provider {
        Provider::PostPress => "pp_live_demo-9f3b7c51d2e84a60",
        Provider::Puffle => "puffle_demo-41c7e0a95b8d4f26",
    }
}

/// The samples' Secrets, with the key of each provider and the address `base_url` gives for it.
pub fn secrets(base_url: impl Fn(Provider) -> String) -> Result<String, Failure> {
    let mut secrets = documents(include_str!("../../../config/samples/credentials.yaml"))?;
    for secret in &mut secrets {
        let name = secret["metadata"]["name"].as_str().unwrap_or_default();
        let provider = if name.starts_with("postpress") { Provider::PostPress } else { Provider::Puffle };
        secret["stringData"] = json!({API_KEY: key(provider), BASE_URL: base_url(provider)});
    }
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": secrets}).to_string())
}

fn documents(yaml: &str) -> Result<Vec<Value>, Failure> {
    serde_yaml::Deserializer::from_str(yaml).map(|document| Ok(Value::deserialize(document)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_show_every_kind_of_end_at_both_providers() {
        let parts = parts().unwrap();
        let ends: Vec<_> = parts.iter().map(|part| (part.provider, part.kind, part.ending)).collect();
        let puffle = Provider::Puffle;
        assert_eq!(
            ends,
            [
                (Provider::PostPress, Kind::PostPress, State::Gone),
                (puffle, Kind::Email, State::Gone),
                (puffle, Kind::LinkedIn, State::Disconnected),
                (puffle, Kind::LinkedIn, State::Gone),
            ]
        );
    }

    #[test]
    fn every_sample_names_a_secret_of_the_samples_that_holds_its_providers_key() {
        let secrets: Value = serde_json::from_str(&secrets(|provider| format!("http://{provider}")).unwrap()).unwrap();
        for sample in documents(include_str!("../../../config/samples/accounts.yaml")).unwrap() {
            let provider = Part::of(&sample).unwrap().provider;
            let secret = secrets["items"].as_array().unwrap().iter();
            let secret =
                secret.into_iter().find(|it| it["metadata"]["name"] == sample["spec"]["credentialsRef"]["name"]);
            let data = &secret.unwrap()["stringData"];
            assert_eq!(
                (&data[API_KEY], &data[BASE_URL]),
                (&json!(key(provider)), &json!(format!("http://{provider}")))
            );
        }
    }
}
