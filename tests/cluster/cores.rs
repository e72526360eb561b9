//! What a crash leaves of the operator's memory, which holds keys.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::bed::Bed;

#[tokio::test]
async fn an_operator_that_crashes_leaves_no_core_that_would_hold_its_keys() {
    let bed = Bed::new("core").await;
    let command = bed.operator_command(bed.plane.kubeconfig(), &[&bed.namespace], &[]);
    // As on a machine where cores are wanted.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"ulimit -S -c "$(ulimit -H -c)"; exec "$@""#, "sh"]).arg(command.get_program());
    shell.args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut operator = bed.spawn_operator(shell);
    bed.until_logged(&operator, &["every object was listed"]).await;
    let abort = Command::new("kill").args(["-ABRT", &operator.pid().to_string()]).status();
    assert!(abort.is_ok_and(|status| status.success()));
    let status = operator.ended().await;
    assert!(status.signal() == Some(6) && !status.core_dumped(), "{status}");
}
