use std::{
    io::{self, Write},
    process::{Child, Command, Stdio},
};

/// Kills at the end of its stdin; a line before that lets the process go. Signals to the terminal's group do not end it.
const WATCH: &str = r#"trap '' HUP INT TERM; read -r line || kill -KILL "$0""#;

/// Kills a process when this one has ended without dropping the leash: by a signal or an abort, of which no destructor
/// hears.
pub struct Leash {
    watch: Child,
}

impl Leash {
    /// Holds the process with this id.
    pub fn on(pid: u32) -> io::Result<Self> {
        let watch = Command::new("sh")
            .args(["-c", WATCH, &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { watch })
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.watch.stdin.take() {
            // It fails only where the shell is gone, and then there is no leash.
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.watch.wait();
    }
}
