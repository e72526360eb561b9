//! What every test is judged by has teeth here, too: what is recorded of a real API server and a real wire shows each
//! kind of violation.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bed::{Bed, Kind, Property, Sender};

/// Which properties the trace violates by now.
async fn violated(bed: &Bed) -> Vec<Property> {
    let mut found: Vec<_> = bed.violations().await.into_iter().map(|violation| violation.property).collect();
    found.dedup();
    found
}

/// A DELETE as this operator sends it, from somebody who has its key.
async fn send_delete(bed: &Bed, sender: &Sender) {
    let address = bed.sim.address(provider_simulator::Provider::PostPress);
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the provider listens");
    let request = format!(
        "DELETE /v1/accounts/{} HTTP/1.1\r\nhost: {address}\r\nuser-agent: sender-operator/0\r\nx-api-key: {}\r\nconnection: close\r\n\r\n",
        sender.account, sender.key
    );
    stream.write_all(request.as_bytes()).await.expect("it takes the request");
    stream.read_to_end(&mut Vec::new()).await.expect("it answers");
}

#[tokio::test]
async fn a_delete_for_a_live_object_or_for_one_that_was_released_shows_in_the_trace() {
    let bed = Bed::new("teeth-sends").await;
    let sender = bed.sender(Kind::PostPress, "acme");
    let operator = bed.operator(&[]).await;
    bed.adopt_connected(std::slice::from_ref(&sender)).await;
    assert_eq!(violated(&bed).await, []);

    send_delete(&bed, &sender).await;
    assert_eq!(violated(&bed).await, [Property::S7]);
    bed.delete("acme").await;
    bed.until_gone("acme").await;
    assert_eq!(violated(&bed).await, [Property::S7], "the operator's own DELETE is none");
    send_delete(&bed, &sender).await;
    assert_eq!(violated(&bed).await, [Property::S4, Property::S7]);

    bed.excuse(Property::S4, "sent by the test");
    bed.excuse(Property::S7, "sent by the test");
    bed.finish(operator).await;
}

#[tokio::test]
async fn an_object_that_goes_while_its_account_lives_shows_in_the_trace() {
    let bed = Bed::new("teeth-release").await;
    let sender = bed.sender(Kind::LinkedIn, "acme");
    let operator = bed.operator(&[]).await;
    let manifests =
        [sender.secret(&bed.sim, &sender.key), bed.object_of(&sender, &json!({"deletionProtection": true}))];
    bed.apply_all(&manifests).await;
    bed.until_connected("acme").await;
    bed.delete("acme").await;
    bed.until_waiting("acme", "DeletionProtected").await;
    assert_eq!(violated(&bed).await, []);

    bed.kubectl(&["patch", "sacc", "acme", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]).await;
    bed.until_gone("acme").await;
    assert_eq!(violated(&bed).await, [Property::S1]);

    bed.excuse(Property::S1, "a person took the finalizer off");
    bed.finish(operator).await;
}
