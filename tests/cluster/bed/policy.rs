//! What an admission policy of the cluster's own forbids the operator.

use serde_json::json;

use super::Bed;

impl Bed {
    /// What it says.
    pub const OBJECTION: &str = "the change board objects";

    /// Has the API server refuse what this CEL expression does not hold for, in this bed's namespace, from soon on: requests
    /// of this kind (`UPDATE`, `DELETE`) for this resource.
    pub async fn object_to(&self, operation: &str, resource: &str, expression: &str) {
        let (name, api) = (&self.namespace, "admissionregistration.k8s.io/v1");
        let rules = json!([{"apiGroups": ["sender-operator.dev"], "apiVersions": ["*"], "operations": [operation], "resources": [resource]}]);
        let policy = json!({"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
            "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": rules},
                "validations": [{"expression": expression, "message": Self::OBJECTION}]}});
        let here = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}});
        let binding = json!({"apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here}});
        self.apply_all(&[policy, binding]).await;
    }

    /// Waits until it refuses this, an argument list of kubectl's that changes nothing.
    pub async fn until_objected(&self, attempt: &[&str]) {
        let refused =
            async || self.try_kubectl(attempt).await.is_err_and(|why| why.to_string().contains(Self::OBJECTION));
        self.eventually("the policy is in force", refused).await;
    }

    /// Takes the policy away.
    pub async fn object_no_more(&self) {
        for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
            self.kubectl(&["delete", kind, &self.namespace]).await;
        }
    }
}
