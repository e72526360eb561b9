//! Which requests meet a fault, and how often.

mod support;

use std::io::ErrorKind;

use provider_simulator::{Fault, On, Provider};
use support::{Client, EMAIL, KEY, OTHER_KEY, ask, postpress, puffle_delete, puffle_list, start, with_fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_fault_takes_as_many_requests_as_it_was_given_and_then_lets_through() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    sim.fault(On::delete().account("acc_1").times(2), Fault::status(503));
    sim.fault(On::delete().account("acc_1").times(1), Fault::status(500));

    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap().status);
    }

    assert_eq!(statuses, [503, 503, 500, 200]);
}

#[tokio::test]
async fn a_fault_can_wait_for_the_nth_request() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    sim.fault(On::read().nth(2), Fault::status(500));

    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(postpress(&sim, "GET", "acc_1", KEY).await.unwrap().status);
    }

    assert_eq!(statuses, [200, 500, 200]);
}

#[tokio::test]
async fn a_fault_is_only_for_its_provider_account_key_and_kind_of_call() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1").add(KEY, "acc_2").add(OTHER_KEY, "acc_3");
    sim.puffle().add_email(KEY, EMAIL);
    sim.fault(On::read().account("acc_1"), Fault::status(501));
    sim.fault(On::read().key(OTHER_KEY), Fault::status(502));
    sim.fault(On::delete().provider(Provider::Puffle), Fault::status(503));

    assert_eq!(postpress(&sim, "GET", "acc_1", KEY).await.unwrap().status, 501);
    assert_eq!(postpress(&sim, "GET", "acc_2", KEY).await.unwrap().status, 200);
    assert_eq!(postpress(&sim, "GET", "acc_3", OTHER_KEY).await.unwrap().status, 502);
    assert_eq!(puffle_delete(&sim, EMAIL, KEY).await.unwrap().status, 503);
    assert_eq!(puffle_list(&sim, KEY).await.unwrap().status, 200);
    assert_eq!(postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_fault_for_an_accounts_reads_takes_the_list_of_its_workspace() {
    let sim = start().await;
    sim.puffle().add_email(KEY, EMAIL).workspace(OTHER_KEY);
    sim.fault(On::read().account(EMAIL), Fault::status(500));

    assert_eq!(puffle_list(&sim, OTHER_KEY).await.unwrap().status, 200);
    assert_eq!(puffle_list(&sim, KEY).await.unwrap().status, 500);
}

#[tokio::test]
async fn a_cleared_fault_takes_no_further_request() {
    let (sim, handle) = with_fault(Fault::status(503)).await;
    assert_eq!(postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap().status, 503);

    handle.clear();

    assert_eq!(postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap().status, 200);
    sim.fault(On::any(), Fault::status(503));
    sim.clear_faults();
    assert_eq!(puffle_list(&sim, KEY).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_can_be_closed_reset_or_left_unread_before_any_request() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    let on = || On::connection().provider(Provider::PostPress).times(1);
    sim.fault(on(), Fault::own().cut());
    sim.fault(on(), Fault::cut_in_request());
    let unread = sim.fault(on(), Fault::own().hang());
    sim.fault(on(), Fault::raw("SSH-2.0-OpenSSH\r\n"));

    let mut closed = Client::connect(sim.address(Provider::PostPress)).await;
    assert!(closed.reply().await.is_err());

    let mut reset = Client::connect(sim.address(Provider::PostPress)).await;
    reset.stream.write_all(&[b'x'; 64]).await.unwrap();
    assert_eq!(reset.reply().await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    let mut silent = ask(&sim, Provider::PostPress, "DELETE", "/v1/accounts/acc_1", KEY).await;
    sim.wait_for("the connection to hang", |_| unread.waiting() == 1).await.unwrap();
    unread.release();
    assert!(silent.reply().await.is_err());

    let mut foreign = Client::connect(sim.address(Provider::PostPress)).await;
    let mut greeting = [0; 8];
    foreign.stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");

    let log = sim.log();
    assert_eq!((log.connections(Provider::PostPress), log.entries().count()), (4, 0));
    assert_eq!(postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_provider_can_stop_listening_and_listen_again() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");
    let address = sim.address(Provider::PostPress);

    sim.stop_listening(Provider::PostPress).await;
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    sim.listen_again(Provider::PostPress).await.unwrap();
    assert_eq!(postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap().status, 200);
}
