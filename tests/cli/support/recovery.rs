//! A manager, backup servers and officers, who share nothing but texts.

use std::fs;
use std::process::Command;

use super::{Machine, Ran, ran, tools};

/// The fingerprint of a backup server, as its own machine tells it.
pub fn identity(server: &Machine) -> String {
    let state = server.json(["server", "show"]);
    state["identity"].as_str().unwrap().to_owned()
}

/// A text that somebody carries from one machine to another.
pub fn carry(from: &Machine, name: &str, to: &Machine) -> String {
    to.write(name, from.read(name))
}

/// A machine that was enrolled with the manager, fingerprints compared on both sides.
pub fn enrolled(manager: &Machine, name: &str) -> Machine {
    let server = Machine::new();
    enrol(manager, &server, name);
    server
}

pub fn enrol(manager: &Machine, server: &Machine, name: &str) {
    server.ok([
        "server",
        "enroll",
        "--name",
        name,
        "-o",
        "enrolment",
        "--overwrite",
    ]);
    let text = carry(server, "enrolment", manager);
    let enrolled = manager.json([
        "server",
        "enroll",
        &text,
        "--expect-fingerprint",
        &identity(server),
        "-o",
        "confirmation",
        "--overwrite",
    ]);
    trust(manager, server, enrolled["manager"].as_str().unwrap());
}

/// The server trusts the manager whose confirmation is at hand.
pub fn trust(manager: &Machine, server: &Machine, fingerprint: &str) {
    let text = carry(manager, "confirmation", server);
    server.ok(["server", "enroll", &text, "--expect-fingerprint", fingerprint]);
}

/// A backup server of the manager, and a token that says who it is, made as the documentation says: a JSON Web Token that
/// openssl signs with the server's identity.
pub fn enrolled_token(manager: &Machine) -> (Machine, String) {
    let server = enrolled(manager, "db1");
    let token = server_token(&server);
    (server, token)
}

/// A token of a backup server, good for two minutes.
pub fn server_token(server: &Machine) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let state = server.json(["server", "show"]);
    let (id, installation) = (&state["trusts"]["server_id"], &state["trusts"]["installation"]);
    let now = String::from_utf8(tools::run("date", &["+%s"])).unwrap();
    let now: u64 = now.trim().parse().unwrap();
    let claims = serde_json::json!({"iss": id, "sub": id, "aud": format!("keystead:{}", installation.as_str().unwrap()),
        "iat": now, "exp": now + 120, "jti": "a test"});
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!(
        "{}.{}",
        part(serde_json::json!({"alg": "EdDSA", "typ": "JWT"})),
        part(claims)
    );
    // The seed, in the PKCS#8 of RFC 8410.
    let folder = server.data_dir().join("backup-server/identities");
    let identity = fs::read_to_string(folder.join(state["identity"].as_str().unwrap())).unwrap();
    let seed = identity
        .lines()
        .find_map(|line| line.strip_prefix("signing-private-key "));
    let prefix = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let der = [&prefix[..], &STANDARD.decode(seed.unwrap()).unwrap()].concat();
    let key = server.write("identity.der", der);
    let message = server.write("token.txt", &signed);
    let arguments = [
        "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", &key, "-in", &message,
    ];
    let signature = tools::run("openssl", &arguments);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// An officer with a key in the manager's home; `None` where there is no ssh-keygen.
pub fn officer(manager: &Machine, name: &str) -> Option<String> {
    let key = key(manager, name, &["-t", "ed25519"])?;
    manager.ok(["officer", "add", name, "--key", &format!("{key}.pub")]);
    Some(key)
}

/// A key of a person.
pub fn key(machine: &Machine, name: &str, kind: &[&str]) -> Option<String> {
    if !tools::have("ssh-keygen") {
        return None;
    }
    let path = machine.at(&format!("{name}.key"));
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-f", &path])
        .args(kind)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(path)
}

/// Seals a content with a password that is forgotten at once, and gives the path.
pub fn seal(server: &Machine, name: &str, content: &[u8]) -> String {
    server.write(name, content);
    let sealed = server.at(&format!("{name}.age"));
    server.ok(["seal", "--password-file", "password", "-o", &sealed, name]);
    fs::remove_file(server.path(name)).unwrap();
    sealed
}

/// Asks for files, and gives the request's id; its text is `request` in the server's home.
pub fn ask(server: &Machine, files: &[&str]) -> String {
    let fixed = ["recovery", "request", "--reason", "the password is lost"];
    let out = ["-o", "request", "--overwrite"];
    let made = server.json(fixed.iter().chain(&out).chain(files).copied());
    made["id"].as_str().unwrap().to_owned()
}

/// Asks, and lets the manager take the request in.
pub fn ask_and_receive(server: &Machine, manager: &Machine, files: &[&str]) -> String {
    let id = ask(server, files);
    manager.ok(["recovery", "receive", &carry(server, "request", manager)]);
    id
}

pub fn approve(manager: &Machine, id: &str, key: &str) -> Ran {
    manager.run(["recovery", "approve", id, "--key", key])
}

/// Answers, and carries the response to the server, as `response`.
pub fn respond(manager: &Machine, id: &str, server: &Machine) -> String {
    manager.ok(["recovery", "respond", id, "-o", "response", "--overwrite"]);
    carry(manager, "response", server)
}

/// A whole recovery of these files, with one officer, up to the response.
pub fn answered(manager: &Machine, key: &str, server: &Machine, files: &[&str]) -> (String, String) {
    let id = ask_and_receive(server, manager, files);
    let approved = approve(manager, &id, key);
    assert_eq!(approved.status, 0, "{}", approved.err);
    let response = respond(manager, &id, server);
    (id, response)
}

/// Runs a command on a machine whose clock is off.
pub fn with_clock(machine: &Machine, off: &str, args: &[&str]) -> Ran {
    let plain = machine.command(args);
    let mut command = Command::new("faketime");
    command
        .args(["-f", off])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(machine.home());
    ran(command.output().unwrap())
}
