//! What an admission policy of the cluster's own forbids the operator.

use serde_json::json;

use super::Bed;

impl Bed {
    /// From soon on no `SenderAccount` of this namespace is updated to what breaks this CEL rule; the policy's name.
    pub async fn forbid(&self, rule: &str) -> String {
        let name = format!("{}-forbids", self.namespace);
        let rules = json!({"apiGroups": ["sender-operator.dev"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["senderaccounts"]});
        let scope = json!({"matchLabels": {"kubernetes.io/metadata.name": self.namespace}});
        self.apply(&json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name}, "spec": {"failurePolicy": "Fail",
                "matchConstraints": {"namespaceSelector": scope, "resourceRules": [rules]},
                "validations": [{"expression": rule, "message": "forbidden by a test"}]}}))
            .await;
        self.apply(
            &json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}),
        )
        .await;
        name
    }

    /// Takes such a policy away.
    pub async fn allow(&self, policy: &str) {
        for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
            self.kubectl(&["delete", kind, policy]).await;
        }
    }
}
