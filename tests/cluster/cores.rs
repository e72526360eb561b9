//! What a crash leaves of the operator's memory, which holds keys.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::bed::Bed;

/// As on a machine where cores are wanted, in a folder of its own.
const WANTED: &str = r#"ulimit -S -c "$(ulimit -H -c)"; "#;

#[tokio::test]
async fn an_operator_that_crashes_leaves_no_core_that_would_hold_its_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut other = Command::new("sh");
    other.args(["-c", &format!("{WANTED} kill -ABRT $$")]).current_dir(&folder);
    let wanted = other.status().is_ok_and(|status| status.core_dumped());
    println!("a process that does nothing about it leaves {} core on this machine", if wanted { "a" } else { "no" });

    let bed = Bed::new("core").await;
    let command = bed.operator_command(bed.plane.kubeconfig(), &[&bed.namespace], &[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!(r#"{WANTED} exec "$@""#), "sh"]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(&folder);
    let mut operator = bed.spawn_operator(shell);
    bed.until_logged(&operator, &["every object was listed"]).await;
    let abort = Command::new("kill").args(["-ABRT", &operator.pid().to_string()]).status();
    assert!(abort.is_ok_and(|status| status.success()));
    let status = operator.ended().await;
    assert!(status.signal() == Some(6) && !status.core_dumped(), "{status}");
}
