//! The parent's end of `supervise.sh`.

use std::{
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// Starts servers in a folder of their own and has them stopped, and the folder deleted, when it is dropped or when
/// this process ends, however it ends.
///
/// It belongs to the process and to no async runtime, so that one control plane can serve many tests.
pub(crate) struct Supervisor {
    shell: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    dir: PathBuf,
}

impl Supervisor {
    pub(crate) fn new() -> io::Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", include_str!("supervise.sh")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // An inherited stderr would keep the caller's pipe open while the servers stop.
            .stderr(Stdio::null())
            // In a group of its own a Ctrl-C at the terminal does not reach the servers before their clients.
            .process_group(0)
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (shell.stdin.take(), shell.stdout.take()) else {
            return Err(io::Error::other("the supervisor has no pipes"));
        };
        let mut stdout = BufReader::new(stdout);
        let dir = PathBuf::from(read_line(&mut stdout)?);
        Ok(Self { shell, pipes: Mutex::new((stdin, stdout)), dir })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts `program` under `name` and returns its process id; its output goes to `NAME.log` in the folder.
    pub(crate) fn start(&self, name: &str, program: &Path, flags: &[String]) -> io::Result<u32> {
        let mut words = fs::File::create(self.dir.join(format!("{name}.args")))?;
        for word in std::iter::once(program.as_os_str()).chain(flags.iter().map(OsStr::new)) {
            words.write_all(word.as_encoded_bytes())?;
            words.write_all(b"\n")?;
        }
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdin, stdout) = &mut *pipes;
        writeln!(stdin, "start {name}")?;
        read_line(stdout)?.parse().map_err(io::Error::other)
    }

    /// Whether the server started last under `name` has ended.
    pub(crate) fn has_ended(&self, name: &str) -> bool {
        self.dir.join(format!("{name}.exit")).exists()
    }

    /// The process id of the server started last under `name`, unless it has ended.
    pub(crate) fn pid(&self, name: &str) -> Option<u32> {
        let pid = fs::read_to_string(self.dir.join(format!("{name}.pid"))).ok()?;
        if self.has_ended(name) { None } else { pid.trim().parse().ok() }
    }

    /// What the server printed since it was last started.
    pub(crate) fn log(&self, name: &str) -> String {
        let log = fs::read(self.dir.join(format!("{name}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Stops the servers and returns once they and the folder are gone.
    pub(crate) fn stop(self) -> io::Result<()> {
        let Self { mut shell, pipes, .. } = self;
        drop(pipes);
        shell.wait().map(drop)
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    match line.trim_end() {
        "" => Err(io::Error::other("the supervisor ended: is there room in the folder for temporary files?")),
        line => Ok(line.to_owned()),
    }
}
