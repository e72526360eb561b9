//! The names of plans: `KIND/CALL#N/MOMENT`, and with a second kill `KIND/CALL#N/MOMENT+CALL#N/MOMENT`.

use std::fmt;
use std::str::FromStr;

use fault_proxy::{Call, Moment};
use provider_simulator as provider;

use crate::kind::Kind;

/// Where a process can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// At a call to the API server.
    Api(Call),
    /// At a request to the provider.
    Provider(provider::Call),
}

/// One kill: at the `nth` of these calls since the operator before it was killed, at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    pub at: Boundary,
    pub nth: u64,
    pub moment: Moment,
}

/// A deletion and what befalls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub kind: Kind,
    pub strikes: Vec<Strike>,
}

impl Plan {
    /// What to type to run it alone.
    pub fn command(&self) -> String {
        format!("PLAN='{self}' cargo test --test plans kills::")
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(call) => write!(f, "{call}"),
            Self::Provider(provider::Call::Delete) => f.write_str("DELETE"),
            Self::Provider(_) => f.write_str("GET"),
        }
    }
}

impl FromStr for Boundary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "DELETE" => Ok(Self::Provider(provider::Call::Delete)),
            "GET" => Ok(Self::Provider(provider::Call::Read)),
            call => call.parse().map(Self::Api).map_err(|wrong: fault_proxy::UnknownCall| wrong.to_string()),
        }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}/{}", self.at, self.nth, self.moment)
    }
}

impl FromStr for Strike {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(call, moment)| Some((call.split_once('#')?, moment)));
        let Some(((call, nth), moment)) = parts else { return Err(format!("{text:?} is not CALL#N/MOMENT")) };
        let nth = nth.parse().map_err(|wrong| format!("{nth:?}: {wrong}"))?;
        Ok(Self { at: call.parse()?, nth, moment: moment.parse()? })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strikes: Vec<_> = self.strikes.iter().map(Strike::to_string).collect();
        write!(f, "{:?}/{}", self.kind, strikes.join("+"))
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((kind, strikes)) = text.split_once('/') else { return Err("a plan is KIND/CALL#N/MOMENT".to_owned()) };
        let known = Kind::ALL.into_iter().find(|known| format!("{known:?}") == kind);
        let kind = known.ok_or_else(|| format!("{kind:?} is none of {:?}", Kind::ALL))?;
        Ok(Self { kind, strikes: strikes.split('+').map(str::parse).collect::<Result<_, _>>()? })
    }
}

#[test]
fn a_plan_is_read_back_from_its_name() {
    for name in ["Disconnect/WriteIntent#1/after-commit", "Purge/DELETE#2/before+GetSecret#1/after-answer"] {
        assert_eq!(name.parse::<Plan>().unwrap().to_string(), name);
    }
}
