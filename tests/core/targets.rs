//! What each kind of account is, and what a second DELETE would do to it.

use sender_operator::teardown::target::{Kind, Provider, Target};

use crate::given::{disconnect, email, postpress, purge};

#[test]
fn each_target_says_whose_it_is_what_a_repeat_does_and_whether_it_can_be_read_alone() {
    for (target, provider, name, kind, read_by_id) in [
        (postpress(), Provider::PostPress, "PostPress", Kind::Permanent, true),
        (email(), Provider::Puffle, "Puffle", Kind::Permanent, false),
        (disconnect(), Provider::Puffle, "Puffle", Kind::SoftThenHard, false),
        (purge(), Provider::Puffle, "Puffle", Kind::Purge, false),
    ] {
        assert_eq!((target.provider(), target.provider().as_str(), target.account_id()), (provider, name, "id"));
        assert_eq!((target.kind(), target.has_read_by_id()), (kind, read_by_id));
    }
}

#[test]
fn an_account_is_the_same_whatever_shall_become_of_it() {
    assert!(disconnect().same_account(&purge()) && email().same_account(&purge()));
    assert!(!disconnect().same_account(&postpress()), "another provider's");
    let another = Target::PuffleEmail { account_id: "another".to_owned() };
    assert!(!email().same_account(&another));
}
