//! `helm uninstall --no-hooks`, as who skips hooks removes it: objects keep their finalizers and wait for an operator.

use provider_simulator::State;

use crate::bed::{Bed, deleting};
use crate::release::Release;

#[tokio::test]
async fn without_hooks_nothing_is_lost_and_the_next_operator_goes_on() {
    let bed = Bed::new("no-hooks").await;
    let senders = bed.senders();
    let (release, operator) = Release::holding(&bed, &[], &senders).await;

    let ended = release.uninstall(&["--no-hooks"]).await;
    assert!(ended.done && ended.said.is_empty(), "{ended:?}");
    operator.kill();
    bed.delete_all().await;
    for sender in &senders {
        bed.until(&sender.name, "marked and still there", deleting).await;
        assert_eq!(bed.truth(&sender.account), (State::Connected, 0, 0), "{}", sender.name);
    }

    let release = Release::install(&bed, &[]).await;
    let operator = release.operator(&[]).await;
    bed.until_all_gone(&senders).await;
    bed.assert_ended(&senders);
    assert!(release.uninstall(&[]).await.done);
    bed.finish(operator).await;
    release.until_nothing_is_left().await;
}
