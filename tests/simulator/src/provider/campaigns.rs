//! Puffle's campaigns: a list, one by its id, and a pause that only an active one takes
//! (<https://docs.puffle.ai/api-reference/campaigns/pause-campaign>, `…/list-campaigns`).

use serde_json::{Value, json};

use super::puffle::envelope;
use super::{Mode, segment};
use crate::answer::Answer;
use crate::campaign::{Campaign, CampaignStatus};
use crate::wire::Request;
use crate::world::World;

const LIST: &str = "/api/campaigns";
const ONE: &str = "/api/campaigns/";

/// `None`: the path is none of a campaign's.
pub(super) fn handle(world: &mut World, request: &Request, workspace: Option<u64>, mode: Mode) -> Option<Answer> {
    let path = request.path();
    let (path, pause) = match path.strip_suffix("/pause") {
        Some(campaign) => (campaign, true),
        None => (path, false),
    };
    let id = segment(path, ONE);
    if id.is_none() && (path != LIST || pause) {
        return None;
    }
    let Some(workspace) = workspace else {
        return Some(envelope(401, "unauthorized", "Missing, malformed or revoked API key"));
    };
    let mut ours = world.campaigns.iter_mut().filter(|campaign| campaign.workspace == workspace);
    Some(match (request.method.as_str(), id, pause) {
        ("GET", None, _) => {
            let campaigns: Vec<Value> = ours.map(|campaign| campaign_json(campaign)).collect();
            Answer::json(200, &json!({"campaigns": campaigns}))
        }
        ("GET", Some(id), false) => match ours.find(|campaign| campaign.id == id) {
            Some(campaign) => Answer::json(200, &json!({"campaign": campaign_json(campaign)})),
            None => unknown(),
        },
        ("POST", Some(id), true) => match ours.find(|campaign| campaign.id == id) {
            Some(campaign) => paused(campaign, mode),
            None => unknown(),
        },
        _ => envelope(405, "method_not_allowed", "Method not allowed"),
    })
}

fn paused(campaign: &mut Campaign, mode: Mode) -> Answer {
    if campaign.status != CampaignStatus::Active {
        return envelope(400, "bad_request", "Only active campaigns can be paused");
    }
    let mut after = campaign.clone();
    after.status = CampaignStatus::Paused;
    let answer = Answer::json(200, &json!({"campaign": campaign_json(&after)}));
    if mode == Mode::Apply {
        *campaign = after;
    }
    answer
}

fn unknown() -> Answer {
    envelope(404, "not_found", "Campaign not found")
}

fn campaign_json(campaign: &Campaign) -> Value {
    let senders: Vec<Value> = campaign.senders.iter().map(|id| json!({"id": id})).collect();
    json!({
        "id": campaign.id,
        "name": format!("Simulated {}", campaign.id),
        "status": campaign.status.shown(),
        "sender_accounts": senders,
    })
}
