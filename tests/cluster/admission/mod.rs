//! The chart's admission policies on a real API server: what each refuses, whom, and the way out that it names. Installed
//! with Helm and limited to the test's own namespaces.

mod broken;
mod confined;
mod documented;
mod refusals;
mod rendered;
mod stamp;
mod unhindered;
mod wholesale;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::bed::Bed;

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/sender-operator");
/// The release's name.
const RELEASE: &str = "guard";

/// The chart, installed in a bed's namespace.
struct Release<'a> {
    bed: &'a Bed,
    /// The operator's ServiceAccount.
    operator: Person<'a>,
}

impl<'a> Release<'a> {
    /// Installs the chart for the bed's namespace and these, with these values, and waits until its policies are in force.
    async fn install(bed: &'a Bed, others: &[&str], values: &[&str]) -> Release<'a> {
        let watched = [&[bed.namespace.as_str()], others].concat().join(",");
        let watched = format!("watchNamespaces={{{watched}}}");
        let mut args =
            vec!["install", RELEASE, CHART, "-n", &bed.namespace, "--set", "crds.enabled=false", "--set", &watched];
        values.iter().for_each(|value| args.extend(["--set", value]));
        bed.plane.helm(&args).await.unwrap_or_else(|error| panic!("{error}"));
        in_force(bed).await;
        bed.until_born_with_finalizer().await;
        let operator = Person::of(bed, &format!("{RELEASE}-sender-operator")).await;
        bed.eventually("the operator may", async || operator.types("kubectl auth can-i patch secrets").await.is_ok())
            .await;
        Release { bed, operator }
    }

    /// The name of something of the release that stands in no namespace.
    fn named(&self, what: &str) -> String {
        format!("{RELEASE}-sender-operator-{}-{what}", self.bed.namespace)
    }

    /// A person of the bed's namespace who may do what an editor may, and what further roles of the release give.
    async fn person(&self, name: &str, roles: &[&str]) -> Person<'a> {
        let bed = self.bed;
        bed.kubectl(&["create", "serviceaccount", name]).await;
        let subject = format!("--serviceaccount={}:{name}", bed.namespace);
        bed.kubectl(&["create", "role", name, "--verb=*", "--resource=secrets,configmaps"]).await;
        bed.kubectl(&["create", "rolebinding", name, &format!("--role={name}"), &subject]).await;
        for role in [&["view", "edit"], roles].concat() {
            let cluster_role = format!("--clusterrole={}", self.named(role));
            bed.kubectl(&["create", "rolebinding", &format!("{name}-{role}"), &cluster_role, &subject]).await;
        }
        let person = Person::of(bed, name).await;
        let may = |what: String| format!("kubectl auth can-i {what}");
        let mut rights =
            vec![may("get senderaccounts".into()), may("delete senderaccounts".into()), may("patch secrets".into())];
        rights.extend(roles.iter().map(|role| may(format!("update senderaccounts --subresource={role}"))));
        for right in &rights {
            bed.eventually(&format!("{name}: {right}"), async || person.types(right).await.is_ok()).await;
        }
        person
    }
}

/// Somebody with a shell, as a ServiceAccount.
struct Person<'a> {
    bed: &'a Bed,
    /// As the API server calls them.
    username: String,
    kubeconfig: PathBuf,
}

impl<'a> Person<'a> {
    async fn of(bed: &'a Bed, name: &str) -> Person<'a> {
        let token = bed.kubectl(&["create", "token", name]).await;
        let kubeconfig = bed.plane.kubeconfig_for_token(token.trim()).expect("a kubeconfig");
        let namespace = format!("--namespace={}", bed.namespace);
        let file = format!("--kubeconfig={}", kubeconfig.display());
        bed.plane.kubectl(["config", "set-context", "--current", &namespace, &file]).await.expect("it is set");
        Person { bed, username: format!("system:serviceaccount:{}:{name}", bed.namespace), kubeconfig }
    }

    /// Types a command; what it prints, or what it says in refusing.
    async fn types(&self, command: &str) -> Result<String, String> {
        self.bed.shell(&self.kubeconfig, command).await
    }

    /// Types a command that works.
    async fn does(&self, command: &str) -> String {
        self.types(command).await.unwrap_or_else(|said| panic!("{} may not `{command}`: {said}", self.username))
    }

    /// Types a command that a policy of the release refuses; what the policy says.
    async fn is_refused(&self, policy: &str, command: &str) -> String {
        match self.types(command).await {
            Ok(said) => panic!("nothing refuses `{command}` by {}: {said}", self.username),
            Err(said) => refusal(policy, &said),
        }
    }
}

/// What this policy says in what kubectl prints.
fn refusal(policy: &str, said: &str) -> String {
    let denied = |line: &str| {
        let (before, message) = line.split_once("denied request: ")?;
        before.contains(&format!("-{policy}' with binding")).then(|| message.trim_end().to_owned())
    };
    said.lines().find_map(denied).unwrap_or_else(|| panic!("{policy} does not refuse it, but: {said}"))
}

/// The first command that a message names.
fn command_in(message: &str) -> &str {
    let command = message.find("kubectl ").map(|at| message[at..].split("; ").next().unwrap_or_default());
    command.unwrap_or_else(|| panic!("no command to type in: {message}"))
}

/// A PostPress account's object with these annotations and finalizers.
fn decorated(mut object: Value, annotations: &Value, finalizers: &[&str]) -> Value {
    object["metadata"]["annotations"] = annotations.clone();
    object["metadata"]["finalizers"] = json!(finalizers);
    object
}

/// Waits until the API server's admission has taken notice of every policy that was applied before: it learns of each kind
/// in the order in which they were written, so it knows them when it obeys two that are written last.
async fn in_force(bed: &Bed) {
    let (name, api) = (format!("sentinel-{}", bed.namespace), "admissionregistration.k8s.io/v1");
    let rules = json!({
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": bed.namespace}},
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
    });
    let policy =
        |kind: &str, spec: Value| json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec});
    let stamp = r#"[JSONPatch{op: "add", path: "/data", value: {"sentinel": "seen"}}]"#;
    let sentinels = [
        policy(
            "ValidatingAdmissionPolicy",
            json!({"matchConstraints": rules,
            "validations": [{"expression": "object.metadata.name != 'refused'", "message": "sentinel"}]}),
        ),
        policy("ValidatingAdmissionPolicyBinding", json!({"policyName": name, "validationActions": ["Deny"]})),
        policy(
            "MutatingAdmissionPolicy",
            json!({"matchConstraints": rules, "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": stamp}}]}),
        ),
        policy("MutatingAdmissionPolicyBinding", json!({"policyName": name})),
    ];
    bed.apply_all(&sentinels).await;
    let create = ["create", "configmap", "--dry-run=server", "-o", "jsonpath={.data.sentinel}"];
    let create = async |name: &str| bed.try_kubectl(&[&create[..], &[name]].concat()).await;
    bed.eventually("the policies are in force", async || {
        create("refused").await.is_err() && create("stamped").await.is_ok_and(|stamp| stamp == "seen")
    })
    .await;
    for kind in [
        "validatingadmissionpolicybinding",
        "validatingadmissionpolicy",
        "mutatingadmissionpolicybinding",
        "mutatingadmissionpolicy",
    ] {
        bed.kubectl(&["delete", kind, &name]).await;
    }
}
