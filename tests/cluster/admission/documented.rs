//! docs/admission.md shows every policy, and what each says, word for word.

use crate::bed::{Bed, Sender};

/// What docs/admission.md says.
fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/admission.md")).expect("the page is there")
}

/// What docs/admission.md shows in place of an object's own words.
pub fn is_documented(message: &str, bed: &Bed, sender: &Sender) {
    let message = message
        .replace(&bed.namespace, "NAMESPACE")
        .replace(&sender.account, "ACCOUNT")
        .replace(&sender.url(&bed.sim), "BASE-URL")
        .replace(&format!("sacc {} ", sender.name), "sacc NAME ");
    line_is_documented(&message);
}

/// A line of a block in docs/admission.md.
pub fn line_is_documented(line: &str) {
    assert!(page().lines().any(|shown| shown == line), "docs/admission.md does not show this line:\n{line}");
}

#[tokio::test]
async fn the_page_has_a_section_for_every_policy_with_its_value_its_way_out_and_what_is_true_without_it() {
    let bed = Bed::new("policy-page").await;
    let manifest = super::rendered::template(&bed, super::rendered::SERVED, &["requireConfirmation={Purge}"]).await;
    let mut policies: Vec<_> =
        super::rendered::policies(&manifest).into_iter().map(|policy| policy.short_name).collect();
    policies.sort();
    policies.dedup();
    let page = page();
    let sections: Vec<_> = page.split("\n## ").skip(1).filter(|section| section.starts_with('`')).collect();
    let mut shown: Vec<_> = sections.iter().filter_map(|section| section.split('`').nth(1)).collect();
    shown.sort_unstable();
    assert_eq!(shown, policies);
    let values = super::rendered::values();
    for section in &sections {
        let value = section.split("`admissionPolicies.").nth(1).and_then(|rest| rest.split('`').next());
        assert!(
            value.is_some_and(|value| values.iter().any(|known| known == value)),
            "which value turns it off? {section}"
        );
        for part in ["\n- **The way out**", "\n- **Without it**", "\n- **When it is broken**"] {
            assert!(section.contains(part), "no {part:?} in {section}");
        }
    }
    for value in values {
        assert!(page.contains(&format!("`admissionPolicies.{value}`")), "{value} is not in docs/admission.md");
    }
}
