//! The main job from within the image's root: the API server and a provider over TLS, and the hook.

use std::fs;

use provider_simulator::{Provider, State};

use crate::bed::{Bed, Kind, secret};
use crate::tls::Front;
use crate::unpacked::Image;

const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

#[tokio::test]
async fn in_its_root_and_as_its_user_it_deletes_an_account_over_tls_and_runs_the_hook() {
    let image = tokio::task::spawn_blocking(Image::new).await.unwrap();
    let bed = Bed::new("image").await;
    let kubeconfig = bed.plane.kubectl(["config", "view", "--raw", "--flatten"]).await.unwrap();
    image.mount("kubeconfig", &kubeconfig);
    let sender = bed.sender(Kind::PostPress, "postpress");
    let front = Front::new(bed.sim.address(Provider::PostPress)).await;
    let plain = bed.sim.postpress_url();
    let prefix = plain.split_once("://").unwrap().1.split_once('/').unwrap().1;
    let base_url = format!("https://{}/{prefix}", front.address);
    let entries = serde_json::json!({"api-key": sender.key, "base-url": base_url});
    bed.apply_all(&[secret(&sender.name, &entries), bed.object_of(&sender, &serde_json::json!({}))]).await;

    // The image's own authorities: many, and this provider's is none of them.
    let shipped = fs::read_to_string(image.inside(AUTHORITIES)).unwrap();
    assert!(shipped.matches("BEGIN CERTIFICATE").count() > 100, "Mozilla trusts more");
    let operator = run(&bed, &image).await;
    bed.until_reason(&sender.name, "TlsFailure").await;
    assert!(!operator.log().contains("no certificate authority is trusted"), "{}", operator.log());
    operator.kill();

    // Whoever runs it adds one where the image has them.
    fs::write(image.inside(AUTHORITIES), shipped + &front.authority).unwrap();
    let operator = run(&bed, &image).await;
    bed.until_connected(&sender.name).await;
    let refused =
        image.command(&["uninstall", "--watch-namespace", &bed.namespace]).env("KUBECONFIG", "/kubeconfig").output();
    let refused = refused.unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("1 SenderAccount exists"), "{refused:?}");

    bed.delete(&sender.name).await;
    bed.until_gone(&sender.name).await;
    assert_eq!(bed.truth(&sender.account), (State::Gone, 1, 1));
    let ended =
        image.command(&["uninstall", "--watch-namespace", &bed.namespace]).env("KUBECONFIG", "/kubeconfig").output();
    assert!(ended.unwrap().status.success());
    bed.finish(operator).await;
}

async fn run(bed: &Bed, image: &Image) -> crate::bed::Operator {
    let flags = [
        "run",
        "--allow-insecure-loopback",
        "--listen",
        "127.0.0.1:0",
        "--max-backoff",
        "2s",
        "--outcome-window",
        "3s",
        "--leader-election",
        "false",
        "--observe-interval",
        "2s",
        "--watch-namespace",
        &bed.namespace,
    ];
    let mut command = image.command(&flags);
    command.env("KUBECONFIG", "/kubeconfig");
    let operator = bed.spawn_operator(command);
    bed.until_logged(&operator, &["every object was listed"]).await;
    operator
}
