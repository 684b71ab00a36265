//! Exports and backups on file shares: through real servers, and read back by the clients of other projects.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use keystead_test_servers::PASSWORD;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::shares::{Protocol, Remote, set};
use support::{Machine, content, story, text, tools};

/// One server of each kind serves the whole file.
fn remote(protocol: Protocol) -> Option<&'static Remote> {
    static REMOTES: [OnceLock<Option<Remote>>; 4] = [const { OnceLock::new() }; 4];
    REMOTES[protocol as usize]
        .get_or_init(|| Remote::start(protocol))
        .as_ref()
}

macro_rules! on_each_share {
    ($($test:ident),+ $(,)?) => {
        on_each_share!(@ on_smb Smb $($test)+);
        on_each_share!(@ on_sftp Sftp $($test)+);
        on_each_share!(@ on_s3 S3 $($test)+);
        on_each_share!(@ on_webdav WebDav $($test)+);
    };
    (@ $module:ident $protocol:ident $($test:ident)+) => {
        mod $module {
            $(#[test] fn $test() {
                if let Some(remote) = super::remote(super::Protocol::$protocol) { super::$test(remote); }
            })+
        }
    };
}

on_each_share![
    the_story_of_a_lost_installation,
    other_clients_read_the_same_bytes,
    a_backup_is_sealed_and_opened_there,
    a_share_is_tried_out,
    a_share_that_is_only_read_from_gives_and_takes_nothing,
    names_of_people_work,
    what_a_killed_process_left_goes_with_the_next_write,
    an_interrupted_write_leaves_nothing,
    an_interrupted_test_leaves_nothing,
    what_was_written_is_read_back_and_the_receipt_says_what_was_promised,
    the_password_is_nowhere,
];

/// A machine with an installation, and the share by the name `nas` with a folder of its own as its top.
fn machine_on(remote: &Remote, folder: &str) -> Machine {
    remote.make_folder(folder);
    let mut machine = Machine::initialised();
    remote.configure(&mut machine, "nas", folder);
    machine
}

fn export_to(machine: &Machine, to: &str) {
    machine.ok(["keyset", "export", "active", "--to", to, "--unprotected"]);
}

fn the_story_of_a_lost_installation(remote: &Remote) {
    remote.make_folder("story");
    let mut machine = Machine::new();
    remote.configure(&mut machine, "nas", "story");
    let safe = story::Safe {
        destination: "share:nas",
        recorded: format!("{}/story", remote.url().trim_end_matches('/')),
    };
    story::a_lost_installation_is_survived_by_its_export_to(&safe, &mut machine, &mut |machine| {
        fs::remove_dir_all(machine.data_dir()).unwrap();
    });
    assert_eq!(remote.files("story").len(), 1, "the export and nothing else");
}

fn other_clients_read_the_same_bytes(remote: &Remote) {
    let machine = machine_on(remote, "bytes");
    export_to(&machine, "share:nas/k.pem");
    let bytes = remote.read("bytes/k.pem");
    let pem = machine.write("read-back.pem", &bytes);
    if tools::have("openssl") {
        let fingerprint = tools::openssl_fingerprint(pem.as_ref(), None);
        assert_eq!(fingerprint, text(&machine.active(), "fingerprint"));
    }
    // And the same as everybody reads on a disk: nothing was added or turned.
    let inspected = machine.json(["keyset", "inspect", "share:nas/k.pem"]);
    assert_eq!(inspected, machine.json(["keyset", "inspect", &pem]));
    // A URL of the place means the same share, with its credentials.
    let url = format!("{}/bytes/k.pem", remote.url().trim_end_matches('/'));
    assert_eq!(inspected, machine.json(["keyset", "inspect", &url]));
    assert_eq!(text(&machine.active(), "last_export_to"), url);
    assert_eq!(remote.files("bytes"), ["k.pem"]);
}

fn a_backup_is_sealed_and_opened_there(remote: &Remote) {
    let machine = machine_on(remote, "backups");
    // More than is sent in one piece, by any of them.
    let backup = content(21_000_001);
    machine.write("backup.tar", &backup);
    machine.ok([
        "seal",
        "--no-password",
        "-o",
        "share:nas/backup.age",
        "backup.tar",
    ]);
    let slots = machine.json(["slots", "share:nas/backup.age"]);
    assert_eq!(slots["slots"][0]["fingerprint"], machine.active()["fingerprint"]);
    machine.ok(["open", "-o", "share:nas/restored.tar", "share:nas/backup.age"]);
    assert!(remote.read("backups/restored.tar") == backup);
    let mut files = remote.files("backups");
    files.sort();
    assert_eq!(files, ["backup.age", "restored.tar"]);

    // A stream that ends in the middle is no backup.
    let sealed = remote.read("backups/backup.age");
    machine.write("cut.age", &sealed[..sealed.len() - 1_000_000]);
    machine.refused(1, ["open", "-o", "share:nas/cut.tar", "cut.age"]);
    assert_eq!(remote.files("backups").len(), 2);
}

fn a_share_is_tried_out(remote: &Remote) {
    let machine = machine_on(remote, "trial");
    let listed = machine.json(["share", "list"]);
    assert_eq!(listed["shares"][0]["name"], "nas");
    let url = format!("{}/trial", remote.url().trim_end_matches('/'));
    assert_eq!(listed["shares"][0]["url"], url.as_str());
    let tested = machine.json(["share", "test", "nas"]);
    let steps = tested["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 8, "{tested}");
    assert!(steps.iter().all(|step| step["done"] == true), "{tested}");
    let said = machine.ok(["share", "test", "nas"]);
    assert!(
        said.contains("read back and compare") && said.contains(" ms"),
        "{said}"
    );
    let webdav = matches!(remote, Remote::WebDav(_));
    assert_eq!(tested["promises"]["atomic_publish"], !webdav);
    assert_eq!(
        said.contains("does not promise\n  that the file appears in one step"),
        webdav,
        "{said}"
    );
    assert_eq!(remote.files("trial").len(), 0);
}

fn a_share_that_is_only_read_from_gives_and_takes_nothing(remote: &Remote) {
    let mut machine = machine_on(remote, "archive");
    export_to(&machine, "share:nas/k.pem");
    set(&mut machine, "nas", "read_only", "true");
    machine.ok(["keyset", "inspect", "share:nas/k.pem"]);
    for args in [
        &[
            "keyset",
            "export",
            "active",
            "--to",
            "share:nas/",
            "--unprotected",
            "--overwrite",
        ][..],
        &["seal", "--no-password", "-o", "share:nas/x.age", "passphrase"],
    ] {
        let said = machine.refused(1, args);
        assert!(said.contains("read-only") && said.contains("share nas"), "{said}");
    }
    // No private key was touched for what was refused, and the refusal is on record.
    let events = machine.json(["audit", "list"])["events"]
        .as_array()
        .unwrap()
        .clone();
    let exports = events.iter().filter(|event| event["action"] == "keyset.export");
    let outcomes: Vec<&str> = exports.clone().map(|event| text(event, "outcome")).collect();
    assert_eq!(outcomes, ["begun", "done", "refused"]);
    let refused = exports.clone().nth(2).unwrap().to_string();
    assert!(refused.contains(&remote.url()), "{refused}");
    let tested = machine.json(["share", "test", "nas"]);
    assert_eq!(tested["steps"].as_array().unwrap().len(), 2);
    assert_eq!(tested["promises"], serde_json::Value::Null);
    assert!(
        machine
            .ok(["share", "test", "nas"])
            .contains("nothing was written")
    );
    assert_eq!(remote.files("archive"), ["k.pem"]);
}

fn names_of_people_work(remote: &Remote) {
    let machine = machine_on(remote, "names");
    for name in ["Büro Schlüssel 2026.pem", "ключ 鍵 🔑.pem"] {
        let place = format!("share:nas/{name}");
        export_to(&machine, &place);
        machine.ok(["keyset", "inspect", &place]);
        assert!(
            remote.files("names").iter().any(|there| there == name),
            "{:?}",
            remote.files("names")
        );
    }
}

/// A command in the middle of writing a backup to a share: it waits for more, with a part of the file there.
fn in_the_middle(machine: &Machine, remote: &Remote, folder: &str) -> (Child, ChildStdin) {
    let mut command = machine.command(["seal", "--no-password", "-o", "share:nas/backup.age"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&content(28 << 20)).unwrap();
    // A poll with an end: the child ends, or something appears.
    for _ in 0..6_000 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        if unfinished(remote, folder) > 0 {
            return (child, stdin);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("nothing of the file came to the share");
}

/// What is on the share of a file that is being written: a temporary file, or parts that nobody sees.
fn unfinished(remote: &Remote, folder: &str) -> usize {
    match remote {
        Remote::S3(server) => {
            let listing = server.s3cmd(&["multipart", &server.url()]);
            let of_folder = format!("/{folder}/");
            listing.lines().filter(|line| line.contains(&of_folder)).count()
        }
        _ => {
            let files = remote.files(folder);
            files.iter().filter(|name| name.starts_with('.')).count()
        }
    }
}

fn an_interrupted_write_leaves_nothing(remote: &Remote) {
    let machine = machine_on(remote, "interrupted");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (mut child, _stdin) = in_the_middle(&machine, remote, "interrupted");
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(128 + signal as i32));
        assert_eq!(unfinished(remote, "interrupted"), 0);
        assert_eq!(remote.files("interrupted").len(), 0);
    }
}

fn what_a_killed_process_left_goes_with_the_next_write(remote: &Remote) {
    let machine = machine_on(remote, "killed");
    let (mut child, _stdin) = in_the_middle(&machine, remote, "killed");
    // Somebody else's clean-up leaves it alone as long as it is being written, also one on the server's own disk.
    export_to(&machine, "share:nas/meanwhile.pem");
    assert_eq!(unfinished(remote, "killed"), 1);
    if let Some(root) = remote.root() {
        let local = root.join("killed/local.pem");
        export_to(&machine, local.to_str().unwrap());
        fs::remove_file(local).unwrap();
        assert_eq!(unfinished(remote, "killed"), 1);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    export_to(&machine, "share:nas/afterwards.pem");
    let mut files = remote.files("killed");
    files.sort();
    assert_eq!(files, ["afterwards.pem", "meanwhile.pem"]);
}

fn an_interrupted_test_leaves_nothing(remote: &Remote) {
    let machine = machine_on(remote, "tested");
    for _ in 0..3 {
        let mut command = machine.command(["share", "test", "nas"]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A poll with an end: the trial file appears, or the test is over.
        while remote.files("tested").is_empty() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT);
        child.wait().unwrap();
        assert_eq!(remote.files("tested"), [""; 0]);
    }
}

fn what_was_written_is_read_back_and_the_receipt_says_what_was_promised(remote: &Remote) {
    let machine = machine_on(remote, "receipts");
    machine.write("plain", content(3_000_000));
    let webdav = matches!(remote, Remote::WebDav(_));
    let sealed = machine.json(["seal", "--no-password", "-o", "share:nas/a.age", "plain"]);
    assert_eq!(sealed["verified"], true);
    assert_eq!(sealed["promises"]["atomic_publish"], !webdav);
    let opened = machine.json(["open", "-o", "share:nas/plain", "share:nas/a.age"]);
    assert_eq!(opened["verified"], true);
    let ran = machine.run([
        "seal",
        "--no-password",
        "--no-read-back",
        "-o",
        "share:nas/b.age",
        "plain",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(!ran.out.contains("read back"), "{}", ran.out);
    assert_eq!(
        ran.err
            .contains("does not promise that the file appears in one step"),
        webdav,
        "{}",
        ran.err
    );
    // On a disk of this machine, flushed is enough.
    assert_eq!(
        machine.json(["seal", "--no-password", "-o", "c.age", "plain"])["verified"],
        false
    );
}

fn the_password_is_nowhere(remote: &Remote) {
    let mut machine = machine_on(remote, "secret");
    let secret = PASSWORD;
    // From a file, as is right.
    let file = machine.write("nas.password", format!("{secret}\n"));
    set(&mut machine, "nas", "password", "");
    if !matches!(remote, Remote::Sftp(_)) {
        set(&mut machine, "nas", "password_file", &file);
    }
    let place = "share:nas/k.pem";
    let exported = machine.run([
        "-vvv",
        "keyset",
        "export",
        "active",
        "--to",
        place,
        "--unprotected",
    ]);
    assert_eq!(exported.status, 0, "{}", exported.err);
    let again = machine.run([
        "-vvv",
        "keyset",
        "export",
        "active",
        "--to",
        place,
        "--unprotected",
    ]);
    assert_eq!(again.status, 1, "{}", again.err);
    let shown = [
        exported.err,
        again.err,
        machine.ok(["config", "show", "--origin"]),
        machine.ok(["share", "list"]),
        machine.ok(["share", "test", "nas", "-vvv"]),
        machine.ok(["audit", "export"]),
    ];
    for text in shown {
        assert!(!text.contains(secret), "{text}");
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }
}
