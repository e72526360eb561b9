//! What the providers' own pages say, seen from a socket.

mod support;

use std::collections::BTreeMap;

use provider_simulator::{CampaignStatus, Fault, On, POSTPRESS_ERRORS, Provider, State, Status};
use serde_json::json;
use support::{Client, EMAIL, KEY, LINKEDIN, OTHER_KEY, ask, listed, postpress, puffle_delete, puffle_list, start};

#[tokio::test]
async fn postpress_deletes_an_account_by_its_first_delete() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");

    let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();

    assert_eq!((reply.status, reply.json()), (200, json!({"object": "AccountDeleted"})));
    assert_eq!(sim.log().state("acc_1"), State::Gone);
    let again = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();
    assert_eq!(again.json()["type"], "errors/resource_not_found");
}

#[tokio::test]
async fn postpress_shows_an_account_by_its_id() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");

    let reply = postpress(&sim, "GET", "acc_1", KEY).await.unwrap();

    let account = reply.json();
    assert_eq!(reply.status, 200);
    assert_eq!(account["object"], "Account");
    assert_eq!(account["id"], "acc_1");
    assert_eq!(account["sources"][0]["status"], "OK");
    for field in ["type", "name", "created_at", "groups", "connection_params"] {
        assert!(account.get(field).is_some(), "{field} is missing in {account}");
    }
}

#[tokio::test]
async fn postpress_answers_404_in_its_envelope_for_an_unknown_id_and_for_another_workspaces() {
    let sim = start().await;
    sim.postpress().workspace(KEY).add(OTHER_KEY, "acc_theirs");

    for id in ["acc_unknown", "acc_theirs"] {
        for method in ["GET", "DELETE"] {
            let reply = postpress(&sim, method, id, KEY).await.unwrap();
            let error = reply.json();
            assert_eq!(reply.status, 404, "{method} {id}");
            assert_eq!((&error["type"], &error["status"]), (&json!("errors/resource_not_found"), &json!(404)));
            assert!(error["title"].is_string() && error["detail"].is_string() && error["instance"].is_string());
        }
    }
    assert_eq!(sim.log().state("acc_theirs"), State::Connected);
}

#[tokio::test]
async fn postpress_refuses_an_unknown_key_and_a_key_in_the_wrong_header() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");

    let unknown = postpress(&sim, "DELETE", "acc_1", "pp_live_unknown").await.unwrap();
    assert_eq!((unknown.status, &unknown.json()["type"]), (401, &json!("errors/missing_credentials")));

    let mut client = Client::connect(sim.address(Provider::PostPress)).await;
    let bearer = format!("Bearer {KEY}");
    client.send("DELETE", "/v1/accounts/acc_1", &[("authorization", &bearer)]).await;
    assert_eq!(client.reply().await.unwrap().status, 401);
    assert_eq!(sim.log().state("acc_1"), State::Connected);
}

#[tokio::test]
async fn postpress_answers_an_html_404_off_its_base_path_and_does_nothing() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");

    for path in ["/api/v1/accounts/acc_1", "/accounts/acc_1", "/v1/accounts/", "/v1/accounts/acc_1/sync", "/"] {
        let mut client = ask(&sim, Provider::PostPress, "DELETE", path, KEY).await;
        let reply = client.reply().await.unwrap();
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.header("content-type").unwrap().starts_with("text/html"), "{path}");
    }
    assert_eq!(sim.log().state("acc_1"), State::Connected);
    assert_eq!(sim.log().deletes("acc_1").len(), 2, "asked for on paths that end in its id");
}

#[tokio::test]
async fn every_documented_postpress_error_comes_in_its_envelope_with_its_status() {
    let sim = start().await;
    sim.postpress().add(KEY, "acc_1");

    let mut counted = BTreeMap::new();
    for error in POSTPRESS_ERRORS {
        *counted.entry(error.status).or_insert(0) += 1;
        sim.fault(On::delete().times(1), Fault::postpress_error(error.error_type));
        let reply = postpress(&sim, "DELETE", "acc_1", KEY).await.unwrap();
        let body = reply.json();
        assert_eq!(reply.status, error.status, "{}", error.error_type);
        assert_eq!(body["status"], error.status, "{}", error.error_type);
        assert_eq!(body["type"], error.error_type);
    }
    assert_eq!(counted, BTreeMap::from([(400, 8), (401, 13), (404, 2), (500, 3), (503, 5), (504, 1)]));
    assert_eq!(sim.log().state("acc_1"), State::Connected);
}

#[tokio::test]
async fn puffle_disconnects_a_connected_linkedin_account_first_and_destroys_it_second() {
    let sim = start().await;
    sim.puffle().add_linkedin(KEY, LINKEDIN, Status::Connected);

    let first = puffle_delete(&sim, LINKEDIN, KEY).await.unwrap();
    assert_eq!((first.status, first.json()), (200, json!({"success": true})));
    assert_eq!(sim.log().state(LINKEDIN), State::Disconnected);
    let list = puffle_list(&sim, KEY).await.unwrap();
    assert_eq!(listed(&list, LINKEDIN).as_deref(), Some("disconnected"));

    let second = puffle_delete(&sim, LINKEDIN, KEY).await.unwrap();
    assert_eq!((second.status, second.json()), (200, json!({"success": true})), "the same body for both");
    assert_eq!(sim.log().state(LINKEDIN), State::Gone);
    assert_eq!(listed(&puffle_list(&sim, KEY).await.unwrap(), LINKEDIN), None);
}

#[tokio::test]
async fn puffle_destroys_an_already_disconnected_linkedin_account_and_an_email_account_at_once() {
    let sim = start().await;
    sim.puffle().add_linkedin(KEY, LINKEDIN, Status::Disconnected).add_email(KEY, EMAIL);

    for id in [LINKEDIN, EMAIL] {
        assert_eq!(puffle_delete(&sim, id, KEY).await.unwrap().json(), json!({"success": true}));
        assert_eq!(sim.log().state(id), State::Gone);
        assert_eq!(puffle_delete(&sim, id, KEY).await.unwrap().status, 404);
    }
}

#[tokio::test]
async fn puffle_disconnects_a_linkedin_account_that_needs_credentials() {
    let sim = start().await;
    sim.puffle().add_linkedin(KEY, LINKEDIN, Status::CredentialsRequired);

    puffle_delete(&sim, LINKEDIN, KEY).await.unwrap();

    assert_eq!(sim.log().state(LINKEDIN), State::Disconnected);
}

#[tokio::test]
async fn puffle_lists_the_rows_of_the_keys_workspace_only() {
    let sim = start().await;
    sim.puffle().add_linkedin(KEY, LINKEDIN, Status::Connected).add_email(OTHER_KEY, EMAIL);

    let mine = puffle_list(&sim, KEY).await.unwrap().json();
    assert_eq!(mine["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(mine["accounts"][0]["type"], "linkedin");
    assert_eq!(mine["accounts"][0]["status"], "connected");
    let theirs = puffle_list(&sim, OTHER_KEY).await.unwrap().json();
    assert_eq!(theirs["accounts"][0]["type"], "email");
    assert_eq!(theirs["accounts"][0]["status"], "active");
}

#[tokio::test]
async fn puffle_answers_404_and_401_in_its_envelope() {
    let sim = start().await;
    sim.puffle().workspace(KEY).add_email(OTHER_KEY, EMAIL);

    let theirs = puffle_delete(&sim, EMAIL, KEY).await.unwrap();
    assert_eq!((theirs.status, &theirs.json()["error"]["code"]), (404, &json!("not_found")));
    assert!(theirs.json()["error"]["message"].is_string());

    for reply in [puffle_delete(&sim, EMAIL, "pk_live_unknown").await, puffle_list(&sim, "pk_live_unknown").await] {
        let reply = reply.unwrap();
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (401, &json!("unauthorized")));
    }
    assert_eq!(sim.log().state(EMAIL), State::Connected);
}

#[tokio::test]
async fn puffle_takes_a_key_only_as_a_bearer_token() {
    let sim = start().await;
    sim.puffle().workspace(KEY);

    for (header, scheme, status) in
        [("authorization", "bearer ", 200), ("authorization", "apikey ", 401), ("x-api-key", "", 401)]
    {
        let mut client = Client::connect(sim.address(Provider::Puffle)).await;
        client.send("GET", "/api/accounts", &[(header, &format!("{scheme}{KEY}"))]).await;
        assert_eq!(client.reply().await.unwrap().status, status, "{header}: {scheme}");
    }
}

#[tokio::test]
async fn puffle_has_no_read_by_id_and_nothing_off_its_paths() {
    let sim = start().await;
    sim.puffle().add_email(KEY, EMAIL);

    let by_id = format!("/api/accounts/{EMAIL}");
    let read = ask(&sim, Provider::Puffle, "GET", &by_id, KEY).await.reply().await.unwrap();
    assert_eq!(read.status, 405);
    let elsewhere = ask(&sim, Provider::Puffle, "DELETE", &format!("/accounts/{EMAIL}"), KEY).await.reply().await;
    assert!(elsewhere.unwrap().header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(sim.log().state(EMAIL), State::Connected);
}

#[tokio::test]
async fn puffle_knows_a_uuid_in_either_case() {
    let sim = start().await;
    sim.puffle().add_email(KEY, &EMAIL.to_uppercase());

    let reply = puffle_delete(&sim, &EMAIL.to_uppercase(), KEY).await.unwrap();

    assert_eq!(reply.status, 200);
    assert_eq!(sim.log().state(EMAIL), State::Gone);
    assert_eq!(sim.log().deletes(EMAIL).len(), 1);
}

#[tokio::test]
async fn puffles_documented_500_leaves_the_row() {
    let sim = start().await;
    sim.puffle().add_email(KEY, EMAIL);
    sim.fault(On::delete().times(1), Fault::puffle_db_failure());

    let failed = puffle_delete(&sim, EMAIL, KEY).await.unwrap();

    assert_eq!(failed.status, 500);
    assert!(failed.json()["error"]["code"].is_string() && failed.json()["error"]["message"].is_string());
    assert_eq!(sim.log().state(EMAIL), State::Connected);
}

#[tokio::test]
async fn a_second_key_opens_the_same_workspace_and_a_revoked_one_none() {
    let sim = start().await;
    sim.puffle().add_email(KEY, EMAIL);

    assert!(sim.add_key(KEY, OTHER_KEY));
    sim.revoke_key(KEY);

    assert_eq!(puffle_list(&sim, KEY).await.unwrap().status, 401);
    assert_eq!(listed(&puffle_list(&sim, OTHER_KEY).await.unwrap(), EMAIL).as_deref(), Some("active"));
    assert!(!sim.add_key("never-known", "another"), "a key that opens nothing has nothing to share");
}

#[tokio::test]
async fn puffle_lists_the_campaigns_of_a_workspace_and_pauses_each_once() {
    let sim = start().await;
    sim.puffle().add_campaign(KEY, "spring", CampaignStatus::Active, &[LINKEDIN, EMAIL]);
    sim.puffle().add_campaign(OTHER_KEY, "theirs", CampaignStatus::Active, &[EMAIL]);
    let puffle = async |method: &str, path: &str| {
        ask(&sim, Provider::Puffle, method, &format!("/api/campaigns{path}"), KEY).await.reply().await.unwrap()
    };

    let spring = |status: &str| {
        json!({"id": "spring", "name": "Simulated spring", "status": status,
            "sender_accounts": [{"id": LINKEDIN}, {"id": EMAIL}]})
    };
    assert_eq!(puffle("GET", "").await.json(), json!({"campaigns": [spring("active")]}));
    let paused = puffle("POST", "/spring/pause").await;
    assert_eq!((paused.status, paused.json()), (200, json!({"campaign": spring("paused")})));
    assert_eq!(puffle("GET", "/spring").await.json(), json!({"campaign": spring("paused")}));

    let again = puffle("POST", "/spring/pause").await;
    assert_eq!((again.status, &again.json()["error"]["message"]), (400, &json!("Only active campaigns can be paused")));
    for (method, path, status) in [
        ("POST", "/theirs/pause", 404),
        ("GET", "/theirs", 404),
        ("POST", "/spring", 405),
        ("GET", "/spring/pause", 405),
        ("GET", "/spring/pause/pause", 404),
    ] {
        assert_eq!(puffle(method, path).await.status, status, "{method} {path}");
    }
    assert_eq!(sim.puffle().campaign("theirs"), Some(CampaignStatus::Active));
}
