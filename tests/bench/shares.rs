//! Exports to each kind of share and imports from it, turn about with the clients of other projects that move the same
//! file. Everything is measured as a whole command. Quote ratios, not absolute figures.
//!
//! What is ours does more: it starts the program, opens the database and the private key, signs, writes, reads back,
//! compares and records; an import checks every number of the key. Theirs move bytes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::disallowed_methods)] // Time is what is measured.

#[path = "../cli/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use keystead_test_servers::{PASSWORD, S3Server, SambaServer, USER};
use support::shares::{Protocol, Remote};
use support::{Machine, content, text};

fn main() {
    let short = std::env::var_os("KEYSTEAD_BENCH_SHORT").is_some();
    let (rounds, mebibytes) = if short { (2, 4) } else { (21, 256) };
    println!("median of {rounds} rounds, milliseconds; the ratio is ours to theirs");
    // `cargo bench … -- s3 webdav` measures those alone.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    for protocol in [Protocol::Smb, Protocol::Sftp, Protocol::S3, Protocol::WebDav] {
        let name = format!("{protocol:?}").to_lowercase();
        if !wanted.is_empty() && !wanted.contains(&name) {
            continue;
        }
        match Remote::start(protocol) {
            Some(remote) => {
                exports(protocol, &remote, rounds);
                backups(protocol, &remote, if short { 1 } else { 5 }, mebibytes);
            }
            None => println!("{protocol:?}: its programs are missing"),
        }
    }
}

/// An export of one keyset of 4096 bits, protected by a passphrase.
fn exports(protocol: Protocol, remote: &Remote, rounds: usize) {
    remote.make_folder("bench");
    let mut machine = Machine::new();
    remote.configure(&mut machine, "nas", "bench");
    machine.ok(["init", "--bits", "4096"]);
    let mut importer = Machine::new();
    remote.configure(&mut importer, "nas", "bench");
    importer.ok(["init", "--bits", "2048"]);
    let fingerprint = text(&machine.active(), "fingerprint").to_owned();
    let local = machine.at("local.pem");
    let [mut export, mut put, mut import, mut get] = [const { Vec::new() }; 4];
    for round in 0..rounds {
        let place = format!("share:nas/{round}.pem");
        let args = [
            "keyset",
            "export",
            "active",
            "--to",
            &place,
            "--passphrase-file",
            "passphrase",
        ];
        export.push(timed(machine.command(args)));
        fs::write(&local, remote.read(&format!("bench/{round}.pem"))).unwrap();
        put.push(timed(their(
            remote,
            Direction::To,
            local.as_ref(),
            &format!("bench/theirs-{round}.pem"),
        )));
        let args = [
            "keyset",
            "import",
            &place,
            "--passphrase-file",
            "passphrase",
            "--yes",
        ];
        import.push(timed(importer.command(args)));
        get.push(timed(their(
            remote,
            Direction::From,
            local.as_ref(),
            &format!("bench/{round}.pem"),
        )));
        let args = [
            "keyset",
            "delete",
            &fingerprint,
            "--yes",
            "--force",
            "--reason",
            "bench",
        ];
        importer.ok(args);
    }
    report(&format!("{protocol:?} export"), export, put);
    report(&format!("{protocol:?} import"), import, get);
}

/// A backup that is sealed to the share and opened from it.
fn backups(protocol: Protocol, remote: &Remote, rounds: usize, mebibytes: usize) {
    remote.make_folder("backups");
    let mut machine = Machine::new();
    remote.configure(&mut machine, "nas", "backups");
    machine.ok(["init", "--bits", "2048"]);
    machine.write("plain", content(mebibytes << 20));
    let local = machine.at("plain");
    let back = machine.at("back");
    let [mut seal, mut put, mut open, mut get] = [const { Vec::new() }; 4];
    for round in 0..rounds {
        let place = format!("share:nas/{round}.age");
        seal.push(timed(machine.command([
            "seal",
            "--no-password",
            "-o",
            &place,
            "plain",
        ])));
        put.push(timed(their(
            remote,
            Direction::To,
            local.as_ref(),
            &format!("backups/theirs-{round}"),
        )));
        open.push(timed(machine.command([
            "open",
            "-o",
            "opened",
            "--overwrite",
            &place,
        ])));
        get.push(timed(their(
            remote,
            Direction::From,
            back.as_ref(),
            &format!("backups/theirs-{round}"),
        )));
    }
    report(&format!("{protocol:?} seal {mebibytes} MiB"), seal, put);
    report(&format!("{protocol:?} open {mebibytes} MiB"), open, get);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    To,
    From,
}

/// The command of another project that moves a file.
fn their(remote: &Remote, direction: Direction, local: &Path, path: &str) -> Command {
    let local = local.to_str().unwrap();
    let upload = direction == Direction::To;
    match remote {
        Remote::Smb(server) => {
            let far = path.replace('/', "\\");
            let order = match upload {
                true => format!("put {local} {far}"),
                false => format!("get {far} {local}"),
            };
            server.smbclient_command(SambaServer::SAFE, &order)
        }
        Remote::Sftp(server) => {
            let far = server.root().join(path);
            let order = match upload {
                true => format!("put {local} {}\n", far.display()),
                false => format!("get {} {local}\n", far.display()),
            };
            server.sftp_command(&order)
        }
        Remote::S3(server) => {
            let mut curl = curl(upload, local);
            curl.args(["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]);
            curl.args(["--aws-sigv4", "aws:amz:us-east-1:s3", "-u"]);
            curl.arg(format!("{}:{}", S3Server::ACCESS_KEY_ID, S3Server::SECRET));
            curl.arg(format!("{}/{}/{path}", server.endpoint(), S3Server::BUCKET));
            curl
        }
        Remote::WebDav(server) => {
            let mut curl = curl(upload, local);
            curl.arg("-u").arg(format!("{USER}:{PASSWORD}"));
            curl.arg(format!("{}/{path}", server.url().replace("webdav", "http")));
            curl
        }
    }
}

fn curl(upload: bool, local: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.args([
        "--fail",
        "--silent",
        "--show-error",
        if upload { "-T" } else { "-o" },
        local,
    ]);
    curl
}

fn timed(mut command: Command) -> Duration {
    let begun = Instant::now();
    let output = command.output().unwrap();
    let took = begun.elapsed();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    took
}

fn report(what: &str, ours: Vec<Duration>, theirs: Vec<Duration>) {
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{what:<24} ours {ours:>9.1}  theirs {theirs:>9.1}  ratio {:.2}",
        ours / theirs
    );
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort();
    all[all.len() / 2].as_secs_f64() * 1000.0
}
