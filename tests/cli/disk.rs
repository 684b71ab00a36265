//! A disk that is full or read-only, for real: a small file system of its own, in a mount namespace of its own.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::process::Command;

use support::{Machine, tools};

/// Runs a shell script with `$DATA`, the mount point of a small file system, `$KEYSTEAD`, and `step NAME COMMAND…`, which
/// keeps what a command says. `None` where this may not be done.
fn on_a_small_disk(machine: &Machine, kibibytes: u32, script: &str) -> Option<()> {
    if !tools::have("unshare") {
        return None;
    }
    let allowed = tools::try_run("unshare", &["-Urm", "true"]).status.success();
    if !allowed {
        assert!(
            std::env::var_os("KEYSTEAD_TEST_ALL").is_none() || std::env::var_os("CI").is_some(),
            "user namespaces are not allowed here"
        );
        return None;
    }
    fs::create_dir(machine.data_dir()).unwrap();
    fs::create_dir(machine.path("said")).unwrap();
    let begin = format!(
        "set -e
        mount -t tmpfs -o size={kibibytes}k,mode=0700 tmpfs \"$DATA\"
        step() {{ name=$1; shift; set +e; \"$@\" >said/$name.out 2>said/$name.err; echo $? >said/$name.status; set -e; }}
        fill() {{ head -c 64M /dev/zero >\"$DATA/filler\" 2>/dev/null || true; truncate -s -$1 \"$DATA/filler\"; }}
        "
    );
    let plain = machine.command(["--version"]);
    let ran = Command::new("unshare")
        .args(["-Urm", "sh", "-c", &format!("{begin}{script}")])
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("KEYSTEAD", env!("CARGO_BIN_EXE_keystead"))
        .env("DATA", machine.data_dir())
        .current_dir(machine.home())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(())
}

struct Step {
    status: i32,
    out: String,
    err: String,
}

fn step(machine: &Machine, name: &str) -> Step {
    let read = |kind: &str| fs::read_to_string(machine.path(&format!("said/{name}.{kind}"))).unwrap();
    Step {
        status: read("status").trim().parse().unwrap(),
        out: read("out"),
        err: read("err"),
    }
}

#[test]
fn a_full_disk_loses_nothing_and_works_again_when_there_is_room() {
    let machine = Machine::new();
    let script = "
        step init $KEYSTEAD init --bits 2048 --hint first
        for room in 0 4k 8k 16k 24k 32k 48k 64k 128k; do
            fill $room
            step create-$room $KEYSTEAD keyset create --bits 2048 --hint made-with-$room
            step full-$room $KEYSTEAD keyset list
            step full-export-$room $KEYSTEAD keyset export active --to \"$DATA/x.pem\" --unprotected
            step full-trail-$room $KEYSTEAD audit export
            rm -f \"$DATA/filler\" \"$DATA/x.pem\"
            step list-$room $KEYSTEAD keyset list
            step verify-$room $KEYSTEAD audit verify
        done
        step again $KEYSTEAD keyset create --bits 2048 --hint again
        step export $KEYSTEAD keyset export --all --to all.pem --unprotected
        step rotate $KEYSTEAD master-key rotate
    ";
    if on_a_small_disk(&machine, 1_500, script).is_none() {
        return;
    }
    assert_eq!(step(&machine, "init").status, 0, "{}", step(&machine, "init").err);
    let (mut made, mut refused) = (vec!["first".to_owned()], 0);
    for room in ["0", "4k", "8k", "16k", "24k", "32k", "48k", "64k", "128k"] {
        let create = step(&machine, &format!("create-{room}"));
        if create.status == 0 {
            made.push(format!("made-with-{room}"));
        } else {
            refused += 1;
            assert_eq!(create.status, 1);
            assert!(create.err.contains("no room left"), "{room}: {}", create.err);
            assert!(
                create.err.contains("make room on the disk"),
                "{room}: {}",
                create.err
            );
        }
        // What the full disk does not need is not refused; what it does is.
        let full = step(&machine, &format!("full-{room}"));
        assert!(
            full.status == 0 || full.err.contains("no room left"),
            "{room}: {}",
            full.err
        );
        let export = step(&machine, &format!("full-export-{room}"));
        assert!(
            export.status == 0 || export.err.contains("  fix: "),
            "{room}: {}",
            export.err
        );
        let trail = step(&machine, &format!("full-trail-{room}"));
        assert!(
            trail.status == 0 || trail.err.contains("no room left"),
            "{room}: {}",
            trail.err
        );
        let list = step(&machine, &format!("list-{room}"));
        assert_eq!(list.status, 0, "{room}: {}", list.err);
        for hint in &made {
            assert!(
                list.out.contains(hint.as_str()),
                "{room}: {hint} is gone: {}",
                list.out
            );
        }
        assert_eq!(
            list.out.matches("made-with-").count(),
            made.len() - 1,
            "{room}: {}",
            list.out
        );
        let verify = step(&machine, &format!("verify-{room}"));
        assert_eq!(verify.status, 0, "{room}: {}{}", verify.out, verify.err);
    }
    assert!(refused > 0, "the disk was never full");
    for name in ["again", "export", "rotate"] {
        assert_eq!(
            step(&machine, name).status,
            0,
            "{name}: {}",
            step(&machine, name).err
        );
    }
}

#[test]
fn a_read_only_disk_is_said_to_be_so_and_works_again_when_it_is_not() {
    let machine = Machine::new();
    let script = "
        step init $KEYSTEAD init --bits 2048 --hint first
        mount -o remount,ro \"$DATA\"
        step look $KEYSTEAD keyset list
        step trail $KEYSTEAD audit export
        step create $KEYSTEAD keyset create --bits 2048 --hint second
        step rotate $KEYSTEAD master-key rotate
        mount -o remount,rw \"$DATA\"
        step again $KEYSTEAD keyset create --bits 2048 --hint again
        step list $KEYSTEAD keyset list
        step verify $KEYSTEAD audit verify
    ";
    if on_a_small_disk(&machine, 4_000, script).is_none() {
        return;
    }
    assert_eq!(step(&machine, "init").status, 0, "{}", step(&machine, "init").err);
    let look = step(&machine, "look");
    assert!(
        look.status == 0 && look.out.contains("first"),
        "what is there can be looked at: {}",
        look.err
    );
    let trail = step(&machine, "trail");
    assert!(
        trail.status == 0 && trail.out.contains("installation.create"),
        "{}",
        trail.err
    );
    assert!(trail.err.contains("not signed"), "{}", trail.err);
    for name in ["create", "rotate"] {
        let refused = step(&machine, name);
        assert_eq!(refused.status, 1, "{}", refused.out);
        assert!(
            refused.err.to_lowercase().contains("read-only") && refused.err.contains("  fix: "),
            "{name}: {}",
            refused.err
        );
    }
    for name in ["again", "list", "verify"] {
        assert_eq!(
            step(&machine, name).status,
            0,
            "{name}: {}",
            step(&machine, name).err
        );
    }
    let list = step(&machine, "list").out;
    assert!(
        list.contains("first") && list.contains("again") && !list.contains("second"),
        "{list}"
    );
}
