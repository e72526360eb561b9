use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Waits, far longer than anything here takes, until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(300), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal; says whether the process was there to get it.
pub fn signal(signal: &str, pid: u32) -> bool {
    let kill = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).output();
    kill.expect("kill is a program").status.success()
}
