//! The NetworkPolicy has one hole in and three out, each named.

use serde_json::{Value, json};

use crate::helm::{Rendered, rendered};

async fn spec(values: Value) -> Value {
    of_the_operator(&rendered(&json!({"networkPolicy": values})).await)["spec"].clone()
}

fn of_the_operator(rendered: &Rendered) -> &Value {
    let [operator, _] = rendered.all("NetworkPolicy")[..] else { panic!("the operator's, and that of the hook") };
    operator
}

#[tokio::test]
async fn there_is_none_unless_it_is_asked_for() {
    assert!(rendered(&json!({})).await.all("NetworkPolicy").is_empty());
}

#[tokio::test]
async fn requests_for_health_and_metrics_come_in_and_dns_api_server_and_providers_are_reached() {
    let spec = spec(json!({"enabled": true})).await;
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(spec["ingress"], json!([{"ports": [{"port": "http", "protocol": "TCP"}]}]));
    let dns = json!({
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    });
    let api_server = json!({"ports": [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]});
    let provider = json!({
        "ports": [{"port": 443, "protocol": "TCP"}],
        "to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
                "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]}},
            {"ipBlock": {"cidr": "::/0", "except": ["fc00::/7", "fe80::/10"]}},
        ],
    });
    assert_eq!(spec["egress"], json!([dns, api_server, provider]));
}

#[tokio::test]
async fn it_selects_the_operator_s_pod_and_its_port() {
    let rendered =
        rendered(&json!({"networkPolicy": {"enabled": true}, "podLabels": {"app.kubernetes.io/name": "other"}})).await;
    let selected = of_the_operator(&rendered)["spec"]["podSelector"]["matchLabels"].as_object().unwrap().clone();
    let pod = &rendered.the("Deployment")["spec"]["template"];
    assert!(!selected.is_empty());
    for (label, value) in selected {
        assert_eq!(pod["metadata"]["labels"][&label], value, "{label}");
    }
    assert_eq!(pod["spec"]["containers"][0]["ports"][0]["name"], "http");
}

#[tokio::test]
async fn the_hook_reaches_name_servers_and_the_api_server_and_is_reached_by_nobody() {
    let rendered =
        rendered(&json!({"networkPolicy": {"enabled": true}, "podLabels": {"app.kubernetes.io/name": "other"}})).await;
    let [operator, hook] = rendered.all("NetworkPolicy")[..] else { panic!("the operator's, and that of the hook") };
    let spec = &hook["spec"];
    assert_eq!((&spec["policyTypes"], &spec["ingress"]), (&json!(["Ingress", "Egress"]), &Value::Null));
    let all = operator["spec"]["egress"].as_array().unwrap();
    assert_eq!(spec["egress"], json!(all[..2]), "all but the providers");
    let job = rendered.the("Job");
    for (label, value) in spec["podSelector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&job["spec"]["template"]["metadata"]["labels"][label], value, "{label}");
    }
    let weight =
        |it: &Value| it["metadata"]["annotations"]["helm.sh/hook-weight"].as_str().unwrap().parse::<i32>().unwrap();
    assert!(weight(hook) < weight(job) && hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete");
}

#[tokio::test]
async fn each_hole_can_be_narrowed() {
    let peer = json!({"podSelector": {"matchLabels": {"app": "it"}}});
    let spec = spec(json!({
        "enabled": true, "from": [peer], "dns": {"to": [peer], "port": 5353},
        "apiServer": {"cidrs": ["192.0.2.1/32"], "ports": [6443]},
        "provider": {"cidrs": ["198.51.100.0/24"], "ports": [8443]},
    }))
    .await;
    assert_eq!(spec["ingress"][0]["from"], json!([peer]));
    assert_eq!(spec["egress"][0]["to"], json!([peer]));
    assert_eq!(spec["egress"][0]["ports"][0]["port"], 5353);
    assert_eq!(
        spec["egress"][1],
        json!({"ports": [{"port": 6443, "protocol": "TCP"}], "to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]})
    );
    assert_eq!(
        spec["egress"][2],
        json!({"ports": [{"port": 8443, "protocol": "TCP"}], "to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]})
    );
}

#[tokio::test]
async fn addresses_that_are_left_out_are_those_to_which_the_operator_sends_nothing() {
    let spec = spec(json!({"enabled": true})).await;
    let blocks = spec["egress"][2]["to"].as_array().unwrap();
    for except in blocks.iter().flat_map(|block| block["ipBlock"]["except"].as_array().unwrap()) {
        let first = except.as_str().unwrap().split('/').next().unwrap().parse().unwrap();
        assert!(!sender_operator::provider::address::is_public(first), "{except}");
    }
}
