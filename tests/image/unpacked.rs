//! An image that was unpacked, as a container runtime does it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The image's folders and files below a root of their own, and what it says of itself.
pub struct Image {
    folder: tempfile::TempDir,
    /// The image's configuration.
    pub config: Value,
    layers: Vec<String>,
}

/// Packs the image into this folder.
pub fn pack(folder: &Path) {
    // Two at once would pack what the other is still building.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/image.sh");
    let packed = Command::new(script).arg(folder).env("PROFILE", "dev").status().expect("it runs");
    assert!(packed.success(), "{script} failed; its reason stands above");
}

impl Image {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        pack(folder.path());
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("archive")).expect("a folder");
        fs::create_dir(at("root")).expect("a folder");
        extract(&at("sender-operator.tar"), &at("archive"));
        let manifest: Value = read_json(&at("archive/manifest.json"));
        let config = read_json(&at("archive").join(manifest[0]["Config"].as_str().expect("a configuration")));
        let layers = manifest[0]["Layers"].as_array().expect("layers").iter();
        let layers: Vec<_> = layers.map(|layer| layer.as_str().expect("a name").to_owned()).collect();
        for layer in &layers {
            extract(&at("archive").join(layer), &at("root"));
        }
        // What every runtime gives a container, and a statically linked program takes its random numbers from.
        // https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices
        fs::create_dir(at("root/dev")).expect("a folder");
        for (name, minor) in [("random", "8"), ("urandom", "9")] {
            let path = at("root/dev").join(name);
            let made = Command::new("mknod").args(["-m", "666"]).arg(path).args(["c", "1", minor]).status();
            assert!(
                made.expect("mknod runs").success(),
                "only root can make devices: run this test as root, as CI does"
            );
        }
        // The folder that a runtime mounts as / is everybody's to enter.
        for folder in [folder.path().to_owned(), at("root")] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        Self { folder, config, layers }
    }

    /// Where the archive, the list of components and the root are.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file below the root.
    pub fn inside(&self, name: &str) -> PathBuf {
        self.path("root").join(name)
    }

    /// Puts a file into the root as a mounted volume would be: only its user can read it.
    pub fn mount(&self, name: &str, content: &str) {
        fs::write(self.inside(name), content).expect("it is written");
        chown(self.inside(name), Some(65532), Some(65532)).expect("only root can give it to another user");
        fs::set_permissions(self.inside(name), fs::Permissions::from_mode(0o400)).expect("it is ours");
    }

    /// `tar --verbose --list` of the layers.
    pub fn listing(&self) -> String {
        let list = |layer: &String| {
            let mut tar = Command::new("tar");
            tar.args(["--numeric-owner", "--full-time", "--utc", "-tvf"]).arg(self.path("archive").join(layer));
            text(&tar.output().expect("tar runs"))
        };
        self.layers.iter().map(list).collect()
    }

    /// The image's own entrypoint with these arguments, in its root, as its user, with nothing in its environment but PATH.
    pub fn command(&self, args: &[&str]) -> Command {
        let root = rustix::process::geteuid().is_root();
        assert!(root, "only root can enter another root directory as another user: run this test as root, as CI does");
        let user = self.config["config"]["User"].as_str().expect("a user");
        let entrypoint = self.config["config"]["Entrypoint"].as_array().expect("an entrypoint").iter();
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={user}")).arg("--groups=").arg(self.path("root"));
        command.args(entrypoint.map(|word| word.as_str().expect("a word"))).args(args);
        command.env_clear().env("PATH", std::env::var_os("PATH").expect("it names where chroot is"));
        command
    }
}

/// What a program that succeeded printed.
pub fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn extract(archive: &Path, to: &Path) {
    let extracted = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(to).status().expect("tar runs");
    assert!(extracted.success(), "{}", archive.display());
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it is there")).expect("JSON")
}
