//! Helm, and what it renders.

use std::io::Write;

use envtest::{ControlPlane, Error};
use serde::Deserialize;
use serde_json::{Value, json};

/// The chart, as it lies in the checkout.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/sender-operator");
/// The release that is rendered and installed.
pub const RELEASE: &str = "sender-operator";
/// The namespace for which it is rendered.
pub const NAMESPACE: &str = "operators";

/// What the chart makes of some values.
pub struct Rendered(Vec<Value>);

impl Rendered {
    /// Reads manifests as Helm prints them.
    pub fn parse(text: &str) -> Self {
        let documents = serde_yaml::Deserializer::from_str(text).map(|it| Value::deserialize(it).expect("YAML"));
        Self(documents.filter(|document| !document.is_null()).collect())
    }

    /// Every object.
    pub fn objects(&self) -> &[Value] {
        &self.0
    }

    /// Every object of this kind.
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The object of this kind, which is the only one.
    pub fn the(&self, kind: &str) -> &Value {
        match self.all(kind)[..] {
            [object] => object,
            ref all => panic!("not one {kind} but {}", all.len()),
        }
    }

    /// The operator's container.
    pub fn container(&self) -> &Value {
        &self.the("Deployment")["spec"]["template"]["spec"]["containers"][0]
    }

    /// The arguments that the operator is given.
    pub fn args(&self) -> Vec<String> {
        serde_json::from_value(self.container()["args"].clone()).expect("a list of arguments")
    }
}

/// `helm template` with these values.
pub async fn rendered(values: &Value) -> Rendered {
    let text = try_rendered(CHART, values, &[]).await.unwrap_or_else(|error| panic!("with {values}: {error}"));
    Rendered::parse(&text)
}

/// `helm template` of this chart with these values and flags, which may refuse.
pub async fn try_rendered(chart: &str, values: &Value, flags: &[&str]) -> Result<String, Error> {
    helm(envtest::shared().await, &["template", RELEASE, chart, "--namespace", NAMESPACE], values, flags).await
}

/// Why `helm template` refuses these values.
pub async fn refused(values: &Value) -> String {
    match try_rendered(CHART, values, &[]).await {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it renders with {values}"),
    }
}

/// Helm with these values in a file.
pub async fn helm(plane: &ControlPlane, args: &[&str], values: &Value, flags: &[&str]) -> Result<String, Error> {
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().expect("a file for the values");
    file.write_all(values.to_string().as_bytes()).expect("it is written");
    let file = file.path().to_str().expect("a path in UTF-8");
    plane.helm([args, &["--values", file], flags].concat()).await
}

/// Nested values, from pairs of a path with dots and what stands there.
pub fn values<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut all = json!({});
    for (path, value) in pairs {
        let place = path.split('.').fold(&mut all, |place, key| &mut place[key]);
        *place = value;
    }
    all
}

/// Whether everything in `wanted` is in `there`.
pub fn contains(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(name, it)| there.get(name).is_some_and(|there| contains(there, it)))
        }
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len() && there.iter().zip(wanted).all(|(there, it)| contains(there, it))
        }
        (Value::Number(there), Value::Number(wanted)) => there.as_f64() == wanted.as_f64(),
        _ => there == wanted,
    }
}
