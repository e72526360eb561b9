//! The command line.

use std::path::PathBuf;

use clap::Parser;
use provider_simulator::{Kind, Provider, Seed, SeedAccount, SeedWorkspace};

/// How to rehearse with it; shown by `--help`.
const REHEARSAL: &str = r#"HOW TO REHEARSE

  1. Start it with the accounts you want to see deleted. It prints one JSON line when it is ready:

       provider-simulator --key rehearsal-key --postpress-account acc_1 \
         --puffle-linkedin 0b4f7f3e-3c1d-4f5a-9b6e-2d1c0a9b8e7f
       {"control":"http://127.0.0.1:40003","postpress":"http://127.0.0.1:40001/v1","puffle":"http://127.0.0.1:40002"}

  2. Give the operator a Secret with that key and base URL, and let it use http on loopback:

       kubectl create secret generic postpress --from-literal=api-key=rehearsal-key \
         --from-literal=base-url=http://127.0.0.1:40001/v1
       sender-operator run --allow-insecure-loopback

  3. Break something at the control URL, delete the object, and watch:

       curl $CONTROL/faults -d '{"on":{"provider":"postpress","call":"delete","times":3},"status":503}'
       curl $CONTROL/faults -d '{"on":{"call":"delete"},"delivery":"cut"}'
       curl $CONTROL/log      # every request: what it did, what the client could see
       curl $CONTROL/state    # what is true of every account
       curl -X DELETE $CONTROL/faults

CONTROL
  POST /rows                  more accounts, in the format of --seed
  POST /faults                sets a fault, answers {"fault":1}; of several that match the first one set takes it
  GET /faults                 how often each was met and what it holds back
  POST /faults/1/release      lets go what a fault holds back
  DELETE /faults/1, /faults   no further request meets it, or any; what it holds back stays until released
  GET /log, /log?after=7      the wire log, one JSON object per request; keys appear only as fingerprints
  GET /state                  what is true of every account, and counts of requests and connections

A FAULT, every field optional
  on         {"provider":"postpress|puffle", "call":"delete|read|other", "account":"ID", "key":"KEY",
              "skip":1, "times":3, "connection":true}       connection: before anything is read
  answer     "status":503 with "json":{}, "html":"" or "text":"" | "postpress_error":"errors/no_channel" |
             "status":500 with "puffle_error":"internal_error" | "raw":"bytes"; without one: the provider's own
  headers    {"retry-after":"5", "location":"http://127.0.0.1:1/"}
  effect     applied | not_applied | when_released          own answer: applied, another answer: not_applied
  delay_ms   before the effect and the answer
  hold       true: the answer waits for the release
  delivery   whole | cut | cut_in_request | cut_in_head | cut_in_body | stall_in_body | hang | drip |
             huge_body | endless_body
  reset      true: cut with a reset

A SEED, JSON or YAML
  workspaces:
  - provider: puffle
    keys: [rehearsal-key, its-successor]
    accounts:
    - {id: 0b4f7f3e-3c1d-4f5a-9b6e-2d1c0a9b8e7f, type: linkedin, status: connected}
    - {id: 7d9a1c52-8f0e-4b3d-a1c2-5e6f7a8b9c0d, type: email}
  - provider: postpress
    keys: [rehearsal-key]
    accounts: [{id: acc_1}]
"#;

/// PostPress and Puffle on loopback, with rows, faults on demand and a log of what really happened.
#[derive(Debug, Parser)]
#[command(name = "provider-simulator", version, after_help = REHEARSAL)]
pub(crate) struct Args {
    /// Workspaces and accounts to start with, as JSON or YAML.
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,

    /// The key that opens the accounts of the three flags below, at both providers.
    #[arg(long, value_name = "KEY", default_value = "rehearsal-key")]
    pub(crate) key: String,

    /// A PostPress account; may be repeated.
    #[arg(long, value_name = "ID")]
    pub(crate) postpress_account: Vec<String>,

    /// A connected Puffle LinkedIn account; may be repeated.
    #[arg(long, value_name = "UUID")]
    pub(crate) puffle_linkedin: Vec<String>,

    /// A Puffle Email account; may be repeated.
    #[arg(long, value_name = "UUID")]
    pub(crate) puffle_email: Vec<String>,

    /// PostPress' port on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) postpress_port: u16,

    /// Puffle's port on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) puffle_port: u16,

    /// The control interface's port on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) control_port: u16,

    /// End when standard input closes, so that it never outlives the process that started it.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

impl Args {
    /// The accounts named by flags. The key is known at both providers, also where it opens no account.
    pub(crate) fn accounts(&self) -> Seed {
        let rows = |ids: &[String], kind| {
            let row = move |id: &String| SeedAccount { id: id.clone(), kind, status: None };
            ids.iter().map(row).collect::<Vec<_>>()
        };
        let mut puffle = rows(&self.puffle_linkedin, Some(Kind::LinkedIn));
        puffle.extend(rows(&self.puffle_email, Some(Kind::Email)));
        let workspace = |provider, accounts| SeedWorkspace { provider, keys: vec![self.key.clone()], accounts };
        Seed {
            workspaces: vec![
                workspace(Provider::PostPress, rows(&self.postpress_account, None)),
                workspace(Provider::Puffle, puffle),
            ],
        }
    }
}
