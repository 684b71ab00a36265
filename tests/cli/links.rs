//! The link to a share cut at any moment of a write.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use keystead_test_servers::LinkProxy;
use serde_json::Value;
use support::shares::{Protocol, Remote, set};
use support::{Machine, Ran, text};

/// How many moments on each share: a hundred on all of them. `just cuts` runs a hundred on each.
fn cuts() -> u64 {
    std::env::var("KEYSTEAD_TEST_CUTS").map_or(25, |n| n.parse().unwrap())
}

#[test]
fn smb() {
    cut_at_any_moment(Protocol::Smb);
}

#[test]
fn sftp() {
    cut_at_any_moment(Protocol::Sftp);
}

#[test]
fn s3() {
    cut_at_any_moment(Protocol::S3);
}

#[test]
fn webdav() {
    cut_at_any_moment(Protocol::WebDav);
}

/// A machine that reaches the share `nas` through a proxy, and the share `direct` without one.
struct Scene {
    machine: Machine,
    remote: Remote,
    proxy: LinkProxy,
    /// How many bytes go to the server in a whole export.
    whole: u64,
    /// How many have gone after each message of it.
    ends: Vec<u64>,
}

impl Scene {
    fn new(protocol: Protocol) -> Option<Self> {
        let remote = Remote::start(protocol)?;
        remote.make_folder("cut");
        let proxy = LinkProxy::to(remote.port());
        let mut machine = Machine::initialised();
        remote.configure_at(&mut machine, "nas", "cut", proxy.port());
        set(&mut machine, "nas", "timeout_seconds", "5");
        remote.configure(&mut machine, "direct", "cut");
        let mut scene = Self {
            machine,
            remote,
            proxy,
            whole: 0,
            ends: Vec::new(),
        };
        assert_eq!(scene.export("whole.pem").status, 0);
        scene.whole = scene.proxy.passed();
        scene.ends = scene.proxy.ends();
        Some(scene)
    }

    fn export(&self, name: &str) -> Ran {
        let to = format!("share:nas/{name}");
        self.machine
            .run(["keyset", "export", "active", "--to", &to, "--unprotected"])
    }

    /// Whether the file stands there. If it does, it is whole.
    fn is_there(&self, name: &str) -> bool {
        if !self.remote.files("cut").iter().any(|there| there == name) {
            return false;
        }
        let inspected = self
            .machine
            .json(["keyset", "inspect", &format!("share:direct/{name}")]);
        assert_eq!(
            inspected["keysets"][0]["fingerprint"],
            self.machine.active()["fingerprint"]
        );
        // To its last byte: the metadata block stands at the end.
        let bytes = self.remote.read(&format!("cut/{name}"));
        assert!(bytes.ends_with(b"-----END KEYSTEAD KEYSET-----\n"));
        true
    }

    /// After how many bytes to cut. Every other time after a message, so that it is done and the answer is lost. The moments
    /// are spread over the whole export without gaps, because the golden ratio leaves none.
    fn moment(&self, round: u64) -> u64 {
        let part = (round as f64 * 0.618_033_988_75 + 0.05).fract();
        match round % 2 {
            0 => (self.whole as f64 * part) as u64,
            _ => self.ends[(self.ends.len() as f64 * part) as usize],
        }
    }

    fn last_export(&self) -> (Value, String) {
        let active = self.machine.active();
        (
            active["last_exported_at"].clone(),
            text(&active, "last_export_to").to_owned(),
        )
    }
}

fn cut_at_any_moment(protocol: Protocol) {
    let Some(mut scene) = Scene::new(protocol) else {
        return;
    };
    set(&mut scene.machine, "nas", "retry_seconds", "0");
    let mut failed = 0;
    for round in 0..cuts() {
        let name = format!("cut-{round}.pem");
        let before = scene.last_export();
        scene.proxy.cut_after(scene.moment(round));
        let ran = scene.export(&name);
        let was_cut = scene.proxy.is_cut();
        scene.proxy.mend();
        let is_there = scene.is_there(&name);
        if ran.status == 0 {
            // The cut came after everything that mattered.
            assert!(is_there && scene.last_export().1.ends_with(&name));
            continue;
        }
        failed += 1;
        assert!(was_cut, "{}", ran.err);
        assert_eq!(ran.status, 1, "{}", ran.err);
        assert!(
            ran.err.contains("share nas") && ran.err.contains("while trying to"),
            "the error names the share and the step: {}",
            ran.err
        );
        assert_eq!(scene.last_export(), before, "only what was compared is recorded");
        // The retry works. Where the answer to the last step was lost, the file is there, whole.
        let again = scene.export(&name);
        match is_there {
            false => assert_eq!(again.status, 0, "{}", again.err),
            true => assert!(
                again.err.contains("share nas") && again.err.contains("there is a file already"),
                "{}",
                again.err
            ),
        }
        assert!(scene.is_there(&name));
    }
    assert!(failed > cuts() / 3, "only {failed} of {} cuts were felt", cuts());
    nothing_is_left_over(&scene, "last.pem");
    cut_and_mended(&mut scene);
}

/// With time to try again, a cut is not noticed.
fn cut_and_mended(scene: &mut Scene) {
    set(&mut scene.machine, "nas", "retry_seconds", "60");
    let cut_before = scene.proxy.cuts();
    for round in 0..cuts() {
        let name = format!("mended-{round}.pem");
        scene.proxy.cut_once_after(scene.moment(round));
        let ran = scene.export(&name);
        scene.proxy.mend();
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert!(scene.is_there(&name));
        assert!(scene.last_export().1.ends_with(&name));
    }
    assert!(
        scene.proxy.cuts() - cut_before > cuts() / 2,
        "{} cuts",
        scene.proxy.cuts() - cut_before
    );
    nothing_is_left_over(scene, "very-last.pem");
}

/// After one more write, there is nothing but exports.
fn nothing_is_left_over(scene: &Scene, last: &str) {
    assert_eq!(scene.export(last).status, 0);
    let files = scene.remote.files("cut");
    assert!(files.iter().all(|name| !name.starts_with('.')), "{files:?}");
}
