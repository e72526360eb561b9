//! `kubectl delete namespace` takes the Secret, the objects and their accounts at once.

use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use provider_simulator::{State, Status};
use sender_operator::crd::SenderAccount;
use serde_json::{Value, json};

use crate::bed::{Bed, create_namespace, reason};

const NAMESPACES: usize = 20;
/// Objects in each.
const OBJECTS: usize = 4;

/// One namespace with an account of each kind, three of them behind one Secret.
struct Tenant {
    namespace: String,
    postpress: String,
    linkedin: String,
    email: String,
    purge: String,
}

impl Tenant {
    async fn create(bed: &Bed, number: usize) -> Self {
        let namespace = create_namespace(&bed.client, "tenant").await;
        let id = |kind: usize| format!("{number:08x}-0000-4000-8000-{kind:012x}");
        let tenant =
            Self { namespace, postpress: format!("acc_{number}"), linkedin: id(1), email: id(2), purge: id(3) };
        let (postpress, puffle) = (bed.key(), bed.key());
        bed.sim.postpress().add(&postpress, &tenant.postpress);
        bed.sim.puffle().add_linkedin(&puffle, &tenant.linkedin, Status::Connected);
        bed.sim.puffle().add_linkedin(&puffle, &tenant.purge, Status::Connected);
        bed.sim.puffle().add_email(&puffle, &tenant.email);
        let secret = |name: &str, key: &str, url: &str| {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": tenant.namespace},
                "stringData": {"api-key": key, "base-url": url}})
        };
        let object = |name: &str, secret: &str, provider: &Value| {
            let mut object = bed.manifest(name, secret, provider, &json!({}));
            object["metadata"]["namespace"] = json!(tenant.namespace);
            object
        };
        let items = [
            secret("postpress", &postpress, &bed.sim.postpress_url()),
            secret("puffle", &puffle, &bed.sim.puffle_url()),
            object("postpress", "postpress", &json!({"postpress": {"accountId": tenant.postpress}})),
            object("linkedin", "puffle", &json!({"puffle": {"accountId": tenant.linkedin, "channel": "LinkedIn"}})),
            object("email", "puffle", &json!({"puffle": {"accountId": tenant.email, "channel": "Email"}})),
            object(
                "purge",
                "puffle",
                &json!({"puffle": {"accountId": tenant.purge, "channel": "LinkedIn", "teardown": "Purge"}}),
            ),
        ];
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        bed.plane.kubectl_with_stdin(["create", "-f", "-"], &list).await.expect("it is created");
        tenant
    }
}

#[tokio::test]
async fn namespaces_that_are_deleted_with_their_secrets_take_every_account_along_and_go() {
    let bed = Bed::new("namespaces").await;
    let mut tenants = Vec::new();
    for number in 0..NAMESPACES {
        tenants.push(Tenant::create(&bed, number).await);
    }
    let namespaces: Vec<&str> = tenants.iter().map(|tenant| tenant.namespace.as_str()).collect();
    let operator = bed.operator_for(&namespaces, &[]).await;
    let kind = ApiResource::erase::<SenderAccount>(&());
    let objects: Api<DynamicObject> = Api::all_with(bed.client.clone(), &kind);
    let connected = async || {
        let all = objects.list(&ListParams::default()).await.expect("a list");
        let ours = all.items.iter().filter(|object| {
            object.metadata.namespace.as_deref().is_some_and(|namespace| namespaces.contains(&namespace))
        });
        ours.filter(|object| reason(&object.data) == "AccountConnected").count() == NAMESPACES * OBJECTS
    };
    bed.eventually("every account was seen", connected).await;

    let mut delete = vec!["delete", "namespace", "--wait=true", "--timeout=300s"];
    delete.extend(&namespaces);
    bed.kubectl(&delete).await;

    let log = bed.sim.log();
    for tenant in &tenants {
        let end = |account: &str| (log.state(account), log.effective_deletes(account).len());
        assert_eq!(end(&tenant.postpress), (State::Gone, 1), "{}", tenant.namespace);
        assert_eq!(end(&tenant.email), (State::Gone, 1), "{}", tenant.namespace);
        assert_eq!(end(&tenant.linkedin), (State::Disconnected, 1), "{}", tenant.namespace);
        assert_eq!(log.deletes(&tenant.linkedin).len(), 1, "{}", tenant.namespace);
        assert_eq!(end(&tenant.purge), (State::Gone, 2), "{}", tenant.namespace);
    }
    let mut receipts: Vec<_> = operator.receipts().iter().map(|receipt| receipt["uid"].to_string()).collect();
    receipts.sort();
    receipts.dedup();
    assert_eq!(receipts.len(), NAMESPACES * OBJECTS, "a receipt for each");
    bed.finish(operator).await;
}
