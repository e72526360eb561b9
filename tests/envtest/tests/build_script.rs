//! `build.sh` with a stand-in for Go: what it promises about its cache, not what Go does.

mod common;

use std::{
    env, fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use common::{signal, wait_until};

/// Notes each build in `$HOME/builds`, and finishes it only once `$HOME/release` exists.
const GO: &str = r#"#!/bin/sh
if [ "$1" = env ]; then echo go${FAKE_GO_VERSION:-99.0.0}; exit; fi
if [ "$1" = list ]; then exit; fi
while [ "$1" != -o ]; do shift; done
echo "$3" >>"$HOME/builds"
printf 'half' >"$2"
until [ -e "$HOME/release" ] || [ ! -e "$HOME" ]; do sleep 0.05; done
printf 'half and half' >"$2"
chmod +x "$2"
"#;

/// A user with an empty cache and the stand-in first on PATH.
struct User {
    home: tempfile::TempDir,
}

impl User {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        executable(&home.path().join("bin/go"), GO);
        Self { home }
    }

    fn command(&self, programs: &[&str]) -> Command {
        self.command_of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/build.sh")), programs)
    }

    fn command_of(&self, script: &Path, programs: &[&str]) -> Command {
        let mut command = Command::new("sh");
        let path = format!("{}:{}", self.path("bin").display(), env::var("PATH").unwrap());
        command
            .arg(script)
            .args(programs)
            .env("PATH", path)
            .env("HOME", self.home.path())
            .env_remove("XDG_CACHE_HOME")
            .env_remove("KUBEBUILDER_ASSETS")
            // A signal to the script's group must not reach the test.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.path("progress")).unwrap());
        command
    }

    fn start(&self, programs: &[&str]) -> Child {
        self.command(programs).spawn().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn release(&self) {
        fs::write(self.path("release"), "").unwrap();
    }

    /// The programs whose build began, in order.
    fn builds(&self) -> Vec<String> {
        let program = |package: &str| {
            let package = package.trim_end_matches("/server/v3");
            package.rsplit('/').next().unwrap().to_owned()
        };
        self.read("builds").lines().map(program).collect()
    }
}

fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn folder(output: &Output) -> PathBuf {
    assert!(output.status.success(), "{output:?}");
    PathBuf::from(String::from_utf8(output.stdout.clone()).unwrap().trim_end())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

#[test]
fn two_builds_at_once_build_each_program_once() {
    let user = User::new();
    let first = user.start(&["etcd", "kubectl"]);
    wait_until("the first build is at work", || user.builds() == ["etcd"]);
    let second = user.start(&["etcd", "kubectl"]);
    wait_until("the second waits", || user.read("progress").contains("waiting for another build"));
    user.release();
    let [first, second] = [first, second].map(|build| folder(&build.wait_with_output().unwrap()));
    assert_eq!(first, second);
    assert_eq!(user.builds(), ["etcd", "kubectl"]);
    assert_eq!(names(&first), ["etcd", "kubectl"]);
}

#[test]
fn an_interrupted_build_keeps_whole_programs_only_and_goes_on_from_there() {
    for interruption in ["TERM", "KILL"] {
        let user = User::new();
        user.release();
        let cache = folder(&user.start(&["etcd"]).wait_with_output().unwrap());
        fs::remove_file(user.path("release")).unwrap();
        let mut build = user.start(&["etcd", "kubectl"]);
        wait_until("the second program is being built", || user.builds() == ["etcd", "kubectl"]);
        assert!(signal(interruption, build.id()));
        assert!(!build.wait().unwrap().success());
        assert!(!names(&cache).contains(&"kubectl".to_owned()), "{interruption}");

        user.release();
        let again = folder(&user.start(&["etcd", "kubectl"]).wait_with_output().unwrap());
        assert_eq!(again, cache);
        assert_eq!(user.builds(), ["etcd", "kubectl", "kubectl"]);
        assert_eq!(names(&cache), ["etcd", "kubectl"], "{interruption}");
        assert_eq!(fs::read_to_string(cache.join("kubectl")).unwrap(), "half and half");
    }
}

#[test]
fn given_assets_win_and_only_the_controller_manager_is_built_beside_them() {
    let user = User::new();
    user.release();
    let given = user.path("given");
    executable(&given.join("etcd"), "given");
    let build = |programs: &[&str]| user.command(programs).env("KUBEBUILDER_ASSETS", &given).output().unwrap();

    assert_eq!(folder(&build(&["etcd"])), given);
    assert!(user.builds().is_empty());

    let both = folder(&build(&["etcd", "kube-controller-manager"]));
    assert_eq!(user.builds(), ["kube-controller-manager"]);
    assert_eq!(names(&both), ["etcd", "kube-controller-manager"]);
    assert_eq!(fs::read_to_string(both.join("etcd")).unwrap(), "given");

    assert!(!build(&["kube-apiserver"]).status.success());
    assert!(user.read("progress").contains("no kube-apiserver in KUBEBUILDER_ASSETS"));
}

#[test]
fn helm_lies_in_a_folder_of_its_own_and_is_built_where_assets_are_given_too() {
    let user = User::new();
    user.release();
    let given = user.path("given");
    executable(&given.join("etcd"), "given");
    let build = |programs: &[&str]| user.command(programs).env("KUBEBUILDER_ASSETS", &given).output().unwrap();

    let helm = folder(&build(&["helm"]));
    assert_eq!(user.builds(), ["helm"]);
    assert_eq!(names(&helm), ["helm"]);

    assert!(!build(&["etcd", "helm"]).status.success());
    assert!(user.read("progress").contains("ask for each alone"));
}

#[test]
fn the_programs_for_gitops_lie_in_a_folder_of_their_own_that_a_change_of_the_judge_leaves() {
    let user = User::new();
    user.release();
    let both = folder(&user.start(&["judge", "jq"]).wait_with_output().unwrap());
    assert_eq!(names(&both), ["jq", "judge"]);
    assert_eq!(folder(&user.start(&["jq"]).wait_with_output().unwrap()), both);
    assert_eq!(user.builds().len(), 2, "{:?}", user.builds());

    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let copy = user.path("tests");
    fs::create_dir(&copy).unwrap();
    let copied = Command::new("cp").arg("-R").args([tests.join("gitops"), tests.join("envtest")]).arg(&copy).status();
    assert!(copied.unwrap().success());
    let judge = copy.join("gitops/judge/main.go");
    fs::write(&judge, fs::read_to_string(&judge).unwrap() + "\n").unwrap();
    let changed = user.command_of(&copy.join("envtest/build.sh"), &["judge"]).output().unwrap();
    assert_ne!(folder(&changed), both);
}

#[test]
fn a_missing_or_old_go_is_named_in_one_line_with_the_version_to_install() {
    let user = User::new();
    let needed = include_str!("../kubernetes/go.mod").lines().find_map(|line| line.strip_prefix("go ")).unwrap();

    let old = user.command(&["etcd"]).env("FAKE_GO_VERSION", "1.9.7").output().unwrap();
    assert!(!old.status.success());
    let said = user.read("progress");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("go1.9.7") && said.contains(&format!("install Go {needed} or newer")), "{said}");

    let path = user.path("without-go");
    fs::create_dir(&path).unwrap();
    for tool in ["sh", "dirname", "sed", "sort", "tail"] {
        let found =
            env::split_paths(&env::var_os("PATH").unwrap()).map(|dir| dir.join(tool)).find(|file| file.exists());
        std::os::unix::fs::symlink(found.unwrap(), path.join(tool)).unwrap();
    }
    let missing = user.command(&["etcd"]).env("PATH", &path).output().unwrap();
    assert!(!missing.status.success());
    let said = user.read("progress");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&format!("Go is missing: install Go {needed} or newer")), "{said}");
}
