//! A full disk, a kill and a second process in the middle of a recovery: nothing is lost, nothing is half done.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::recovery::{answered, approve, ask_and_receive, carry, enrolled, officer, seal};
use support::{Machine, Ran, content, ran, tools};

const FILES: usize = 60;

struct Scene {
    manager: Machine,
    server: Machine,
    key: String,
    sealed: Vec<String>,
}

impl Scene {
    fn new() -> Option<Self> {
        let manager = Machine::initialised();
        let key = officer(&manager, "Ada")?;
        let server = enrolled(&manager, "db1");
        let file = |number: usize| seal(&server, &format!("file{number}"), &content(10_000 + number));
        Some(Self {
            sealed: (0..FILES).map(file).collect(),
            manager,
            server,
            key,
        })
    }

    fn answered(&self) -> (String, String) {
        let files: Vec<&str> = self.sealed.iter().map(String::as_str).collect();
        answered(&self.manager, &self.key, &self.server, &files)
    }

    fn check_opened(&self, folder: &str) {
        for number in 0..FILES {
            let opened = self.server.read(&format!("{folder}/file{number}"));
            assert!(opened == content(10_000 + number), "file{number}");
        }
    }
}

/// Whether a small file system can be mounted here. Where everything has to run, it has to be; elsewhere the test is not run.
fn may_mount() -> bool {
    let may = tools::have("unshare") && tools::try_run("unshare", &["-Urm", "true"]).status.success();
    let must = std::env::var_os("KEYSTEAD_TEST_ALL").is_some() && std::env::var_os("CI").is_none();
    assert!(may || !must, "user namespaces are not allowed here");
    may
}

#[test]
fn a_disk_that_is_full_on_the_way_loses_nothing() {
    if !may_mount() {
        return;
    }
    let Some(scene) = Scene::new() else { return };
    let (id, response) = scene.answered();
    fs::create_dir(scene.server.path("small")).unwrap();
    fs::create_dir(scene.server.path("out")).unwrap();
    let plain = scene.server.command(["--version"]);
    // Room for about a third of the files; then the disk is made bigger.
    let script = "set -e
        mount -t tmpfs -o size=256k,mode=0700 tmpfs small
        if \"$KEYSTEAD\" recovery apply \"$1\" --into small 2>first; then exit 9; fi
        ls small | wc -l >between
        ls -A small | grep -v '^file' >&2 && exit 8
        mount -o remount,size=4m small
        \"$KEYSTEAD\" recovery apply \"$2\" --into small --output json >second
        cp small/* out/";
    let ran = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script, "sh", &response, &id])
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("KEYSTEAD", env!("CARGO_BIN_EXE_keystead"))
        .current_dir(scene.server.home())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{:?} {}",
        ran.status,
        String::from_utf8_lossy(&ran.stderr)
    );
    let said = String::from_utf8(scene.server.read("first")).unwrap();
    assert!(said.contains("nothing is lost"), "{said}");
    let between: usize = String::from_utf8(scene.server.read("between"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(
        (1..FILES).contains(&between),
        "{between} files were open when the disk was full"
    );
    let second: serde_json::Value = serde_json::from_slice(&scene.server.read("second")).unwrap();
    assert_eq!(second["opened_before"], between);
    assert_eq!(second["finished"], true);
    scene.check_opened("out");
}

#[test]
fn killed_at_any_moment_an_apply_is_finished_by_another_one() {
    let Some(scene) = Scene::new() else { return };
    let (_, response) = scene.answered();
    let mut rounds = 0;
    // Each round is killed a little later than the one before, until one comes to its end.
    for round in 0.. {
        fs::create_dir_all(scene.server.path("out")).unwrap();
        let mut child = scene
            .server
            .command(["recovery", "apply", &response, "--into", "out"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The moment is what is being tried here; nothing waits for anything by it.
        std::thread::sleep(Duration::from_millis(3 * round));
        if let Some(ended) = child.try_wait().unwrap() {
            let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
            // The one before may have been killed when it had done everything.
            let was_done = rounds > 0 && said.contains("were opened");
            assert!(ended.success() || was_done, "{said}");
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        rounds += 1;
        for entry in fs::read_dir(scene.server.path("out")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(number) = name.strip_prefix("file") {
                let number: usize = number.parse().unwrap();
                assert!(scene.server.read(&format!("out/{name}")) == content(10_000 + number));
            }
        }
    }
    assert!(rounds > 3, "only {rounds} rounds were killed");
    scene.check_opened("out");
    let left = fs::read_dir(scene.server.data_dir().join("backup-server/file-keys")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn killed_at_any_moment_a_request_is_answered_once_or_not_at_all() {
    let Some(scene) = Scene::new() else { return };
    let Scene {
        manager,
        server,
        key,
        sealed,
    } = &scene;
    let files: Vec<&str> = sealed.iter().map(String::as_str).collect();
    #[allow(clippy::disallowed_methods)] // Measures how long the moments are to be spread.
    let begun = Instant::now();
    let (usual, _) = answered(manager, key, server, &files);
    let usual_time = begun.elapsed();
    manager.ok(["recovery", "show", &usual]);
    for round in 0..12 {
        let id = ask_and_receive(server, manager, &files);
        assert_eq!(approve(manager, &id, key).status, 0);
        let mut child = manager
            .command(["recovery", "respond", &id, "-o", "killed", "--overwrite"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(usual_time.mul_f64(0.05 * f64::from(round)));
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever was reached: the same command gives a response that opens everything.
        manager.ok(["recovery", "respond", &id, "-o", "response", "--overwrite"]);
        let response = carry(manager, "response", server);
        let folder = format!("out{round}");
        fs::create_dir(server.path(&folder)).unwrap();
        server.ok(["recovery", "apply", &response, "--into", &folder]);
        scene.check_opened(&folder);
    }
    manager.ok(["audit", "verify"]);
}

#[test]
fn of_many_who_answer_at_once_one_does_and_all_give_the_same_response() {
    let Some(scene) = Scene::new() else { return };
    let files: Vec<&str> = scene.sealed.iter().map(String::as_str).collect();
    let id = ask_and_receive(&scene.server, &scene.manager, &files);
    assert_eq!(approve(&scene.manager, &id, &scene.key).status, 0);
    let start = |_| {
        let mut command = scene.manager.command(["recovery", "respond", &id]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    let ended: Vec<_> = children
        .into_iter()
        .map(|child| ran(child.wait_with_output().unwrap()))
        .collect();
    let response = scene.manager.ok(["recovery", "respond", &id]);
    for Ran { status, out, err, .. } in ended {
        match status {
            0 => assert_eq!(out, response),
            // Who came too late is told that somebody else came in between, and nothing else.
            _ => {
                assert_eq!((status, out.as_str()), (1, ""), "{err}");
                assert!(
                    err.contains("at the same time") || err.contains("was answered at"),
                    "{err}"
                );
                assert!(err.contains("  fix: "), "{err}");
            }
        }
    }
    let done = scene.manager.json(["audit", "list"])["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"] == "recovery.respond" && event["outcome"] == "done")
        .filter(|event| event["details"]["again"].is_null())
        .count();
    assert_eq!(done, 1);
}

#[test]
fn two_who_apply_at_once_open_everything_and_leave_nothing_half() {
    let Some(scene) = Scene::new() else { return };
    let (id, response) = scene.answered();
    fs::create_dir(scene.server.path("out")).unwrap();
    let apply = ["recovery", "apply", &response, "--into", "out"];
    let start = |_| {
        let mut command = scene.server.command(apply);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..2).map(start).collect();
    for child in children {
        let Ran { status, err, .. } = ran(child.wait_with_output().unwrap());
        assert!(
            status == 0 || (status == 1 && err.contains("  fix: ")),
            "{status}: {err}"
        );
    }
    scene.check_opened("out");
    // Nobody is in the way any more, and the keys do not outlive the last file.
    let last = scene.server.run(["recovery", "apply", &id, "--into", "out"]);
    assert!(
        last.status == 0 || last.err.contains("were opened"),
        "{}",
        last.err
    );
    scene.check_opened("out");
    assert_eq!(fs::read_dir(scene.server.path("out")).unwrap().count(), FILES);
    for kind in ["response-keys", "file-keys"] {
        let left = scene.server.data_dir().join("backup-server").join(kind);
        assert_eq!(fs::read_dir(left).unwrap().count(), 0, "{kind}");
    }
}

#[test]
fn a_file_that_stands_in_the_way_is_left_alone_and_the_others_are_opened() {
    let Some(scene) = Scene::new() else { return };
    let (id, response) = scene.answered();
    fs::create_dir(scene.server.path("out")).unwrap();
    scene.server.write("out/file7", b"somebody's own");
    let refused = scene
        .server
        .refused(1, ["recovery", "apply", &response, "--into", "out"]);
    assert!(
        refused.contains("file7") && refused.contains("another file"),
        "{refused}"
    );
    assert_eq!(scene.server.read("out/file7"), b"somebody's own");
    assert!(scene.server.read("out/file8") == content(10_008));
    fs::remove_file(scene.server.path("out/file7")).unwrap();
    scene.server.ok(["recovery", "apply", &id, "--into", "out"]);
    scene.check_opened("out");
}
