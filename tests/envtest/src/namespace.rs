use std::fmt;

use crate::{ControlPlane, Error};

/// A namespace of a test's own. It goes with its control plane: nothing deletes it before.
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Creates a namespace whose name starts with `prefix` and is unique in the control plane.
    pub async fn create(plane: &ControlPlane, prefix: &str) -> Result<Self, Error> {
        let manifest = format!("{{apiVersion: v1, kind: Namespace, metadata: {{generateName: '{prefix}-'}}}}");
        let created = plane.kubectl_with_stdin(["create", "-f", "-", "-o", "jsonpath={.metadata.name}"], &manifest);
        Ok(Self { name: created.await? })
    }

    /// The namespace's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
