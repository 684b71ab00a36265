//! Clients that mean no good, or know no better: each is refused in words, costs a bounded amount of time and memory, and
//! the service goes on for everybody else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::json;
use support::cli::tools;
use support::plain::{raw, read};
use support::{Client, Machine, PASSWORD, Served, finished, heard, initialised};

/// The most memory that the service may take in these tests, in KiB. What it is built without optimisation takes more.
const MEMORY: u64 = 300 * 1024;

struct Scene {
    machine: Machine,
    served: Served,
    admin: Client,
    token: String,
    at: SocketAddr,
}

impl Scene {
    fn new() -> Self {
        let mut machine = initialised();
        machine.set("KEYSTEAD__SERVE__TLS", "off");
        machine.set("KEYSTEAD__SERVE__MAX_CONNECTIONS_PER_ADDRESS", "0");
        let served = Served::start(&machine);
        let session = served.admin(&machine);
        let token = session.token("admin");
        let at = served.url.strip_prefix("http://").unwrap().parse().unwrap();
        Self {
            admin: session.with_token(&token),
            machine,
            served,
            token,
            at,
        }
    }

    /// Everybody else is served, and there is room left.
    fn is_well(&self) {
        assert_eq!(self.admin.get("/v1/keysets/active/public-key").status, 200);
        assert!(self.served.memory() < MEMORY, "{} KiB", self.served.memory());
    }
}

#[test]
fn nothing_that_is_malformed_is_more_than_a_refusal() {
    let scene = Scene::new();
    let post = |path: &str, kind: &str, body: &[u8]| {
        let mut command = scene.admin.curl(path);
        command.args([
            "-X",
            "POST",
            "-H",
            &format!("Content-Type: {kind}"),
            "--data-binary",
            "@-",
        ]);
        let answer = finished(command, body);
        (answer.status, answer.problem())
    };
    let json = "application/json";
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"hint\":1}",
        b"{\"hint\":\"a\",\"hint\":\"b\"}",
        b"{\"hint\":\"a\",\"colour\":\"red\"}",
        b"\xff\xfe",
    ] {
        assert_eq!(
            post("/v1/keysets", json, body),
            (422, "invalid-input".to_owned()),
            "{body:?}"
        );
    }
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let nested = format!("{{\"hint\":{deep}}}");
    assert_eq!(post("/v1/keysets", json, nested.as_bytes()).0, 422);
    assert_eq!(
        post("/v1/keysets", "text/plain", b"{}"),
        (415, "not-json".to_owned())
    );
    let long = format!("{{\"hint\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(
        post("/v1/keysets", json, long.as_bytes()),
        (413, "too-large".to_owned())
    );
    for file in [
        "",
        "no PEM",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        let body = json!({"file": file}).to_string();
        assert_eq!(post("/v1/keysets/import", json, body.as_bytes()).0, 422, "{file}");
    }
    scene.is_well();
}

#[test]
fn a_body_without_end_is_not_read() {
    let scene = Scene::new();
    // Nobody who is not known gets anything read; who is known gets as much as the route takes.
    for (client, path, expected) in [
        (scene.admin.nobody(), "/v1/keysets/import", 401),
        (scene.admin.nobody(), "/v1/sessions", 413),
        (scene.admin.clone(), "/v1/keysets", 413),
        (scene.admin.clone(), "/v1/keysets/import", 413),
    ] {
        let mut command = std::process::Command::new("sh");
        let mut curl = client.curl(path);
        curl.args([
            "-X",
            "POST",
            "-H",
            "Content-Type: application/json",
            "-H",
            "Expect:",
            "-T",
            "-",
        ]);
        let words: Vec<String> = std::iter::once(curl.get_program())
            .chain(curl.get_args())
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        command.args([
            "-c",
            &format!("head -c 1073741824 /dev/zero | {}", words.join(" ")),
        ]);
        // Whoever goes on sending may be cut off before the answer is read.
        if let Some(answer) = heard(command, b"") {
            assert_eq!(answer.status, expected, "{path}: {answer:?}");
        }
        scene.is_well();
    }
}

#[test]
fn tricks_with_paths_and_headers_lead_nowhere() {
    let scene = Scene::new();
    for path in [
        "/v1/keysets/../users",
        "/v1/keysets/..%2fusers",
        "/v1/keysets/%2e%2e/users",
        "//v1/keysets",
        "/v1//keysets",
        "/V1/keysets",
        "/v1/keysets/",
        "/v1/keysets;x=1",
        "/v1/keysets/%00",
        "/docs/../../etc/passwd",
        "/docs/..%2f..%2fetc%2fpasswd",
    ] {
        let answer = scene.admin.get(path);
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        answer.problem();
    }
    let auth = format!("Authorization: Bearer {}\r\n", scene.token);
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
    let twice = "Content-Length: 4\r\nContent-Length: 5\r\n";
    for (what, request) in [
        (
            "two lengths",
            format!("POST /v1/keysets HTTP/1.1\r\nHost: x\r\n{auth}{twice}\r\nabcd"),
        ),
        (
            "a length and chunks",
            format!("POST /v1/keysets HTTP/1.1\r\nHost: x\r\n{auth}{both}Connection: close\r\n\r\n0\r\n\r\n"),
        ),
        ("no version", "GET /v1/keysets\r\n\r\n".to_owned()),
        (
            "a line that is folded",
            format!("GET /v1/keysets HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n{auth}\r\n"),
        ),
        (
            "a huge header",
            format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(100_000)),
        ),
        (
            "many headers",
            format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: a\r\n".repeat(5000)),
        ),
        (
            "no HTTP at all",
            "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03".to_owned(),
        ),
    ] {
        // A connection that is cut is a refusal too.
        if let Ok(heard) = raw(scene.at, request.as_bytes())
            && let Ok((status, _)) = read(&heard)
        {
            assert!((400..500).contains(&status), "{what}: {status}");
        }
    }
    // Neither two credentials nor an odd one is taken.
    for header in [
        "Authorization: Basic YTpi",
        "Authorization: Bearer",
        "Authorization: bearer a b",
    ] {
        let answer = scene.admin.nobody().call("GET", "/v1/keysets", None, &[header]);
        assert_eq!(answer.status, 401, "{header}");
    }
    let two = scene
        .admin
        .call("GET", "/v1/keysets", None, &["Authorization: Bearer keystead_x"]);
    assert_eq!(two.status, 401);
    // Whoever is no proxy that is trusted says nothing about where it is.
    let body = json!({"name": "ada", "password": "wrong"});
    let answer = scene.admin.nobody().call(
        "POST",
        "/v1/sessions",
        Some(&body),
        &["X-Forwarded-For: 192.0.2.77"],
    );
    assert_eq!(answer.status, 401);
    let events = scene.admin.get("/v1/audit/events?limit=1000").text();
    assert!(!events.contains("192.0.2.77") && events.contains("network"));
    scene.is_well();
}

#[test]
fn another_site_cannot_use_a_session_and_nobody_can_plant_one() {
    let scene = Scene::new();
    let person = scene.admin.nobody().signed_in(&scene.machine, "ada", PASSWORD);
    let csrf = person.csrf();
    let try_as = |headers: &[&str]| {
        let mut command = person.curl("/v1/server-codes");
        command.args(["-X", "POST"]);
        for header in headers {
            command.args(["-H", header]);
        }
        let answer = finished(command, b"");
        (answer.status, (answer.status >= 400).then(|| answer.problem()))
    };
    let forged = (403, Some("request-forged".to_owned()));
    let token = format!("X-CSRF-Token: {csrf}");
    assert_eq!(try_as(&[]), forged);
    assert_eq!(try_as(&["X-CSRF-Token: 0000"]), forged);
    assert_eq!(try_as(&[&token, "Origin: https://evil.example"]), forged);
    assert_eq!(try_as(&[&token, "Origin: null"]), forged);
    assert_eq!(try_as(&[&token, "Sec-Fetch-Site: cross-site"]), forged);
    assert_eq!(try_as(&[&token, "Sec-Fetch-Site: same-site"]), forged);
    assert_eq!(try_as(&[&token, "Sec-Fetch-Site: same-origin"]).0, 201);
    // A session that somebody made up, or put beside the right one, is none.
    let planted = |cookie: &str| {
        scene
            .admin
            .nobody()
            .call("GET", "/v1/me", None, &[&format!("Cookie: {cookie}")])
    };
    let made_up = format!("session_{}", "A".repeat(43));
    assert_eq!(planted(&format!("keystead_session={made_up}")).status, 401);
    assert_eq!(
        planted(&format!("keystead_session={made_up}; keystead_session={made_up}")).status,
        401
    );
    // Signing in gives another session each time, whatever the browser brought.
    let body = json!({"name": "ada", "password": PASSWORD});
    let brought = format!("Cookie: keystead_session={made_up}");
    let answer = scene
        .admin
        .nobody()
        .call("POST", "/v1/sessions", Some(&body), &[&brought]);
    let cookies: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .collect();
    let session = cookies
        .iter()
        .find(|(_, value)| value.starts_with("keystead_session="))
        .unwrap();
    assert!(!session.1.contains(&made_up));
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(session.1.contains(word), "{word}: {}", session.1);
    }
}

#[test]
fn a_file_that_asks_for_too_much_work_is_refused_before_it_is_done() {
    let scene = Scene::new();
    let import = |file: &str, expected: &str| {
        let answer = scene
            .admin
            .post("/v1/keysets/import", json!({"file": file, "passphrase": "x"}));
        assert_eq!((answer.status, answer.problem().as_str()), (422, expected));
        scene.is_well();
    };
    import(
        &"-----BEGIN X-----\nAAAA\n-----END X-----\n".repeat(200_000),
        "too-much-work",
    );
    import(&bomb(&pbkdf2(2_000_000_000)), "too-much-work");
    import(&bomb(&scrypt(1 << 30, 8, 128)), "too-much-work");
    let key = tools::run(
        "openssl",
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    );
    import(&String::from_utf8(key).unwrap(), "key-not-accepted");
}

/// An encrypted private key (RFC 8018) whose key derivation has these parameters, in PEM.
fn bomb(kdf: &[u8]) -> String {
    use base64::Engine as _;
    let aes = sequence(&[
        &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2a],
        &tagged(4, &[7; 16]),
    ]);
    let pbes2 = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0d];
    let algorithm = sequence(&[&pbes2, &sequence(&[kdf, &aes])]);
    let der = sequence(&[&algorithm, &tagged(4, &[0; 64])]);
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

fn pbkdf2(iterations: u32) -> Vec<u8> {
    let sha256 = sequence(&[&[6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9], &[5, 0]]);
    let parameters = sequence(&[&tagged(4, &[1; 16]), &number(iterations.into()), &sha256]);
    sequence(&[
        &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0c],
        &parameters,
    ])
}

fn scrypt(cost: u64, block: u64, lanes: u64) -> Vec<u8> {
    let parameters = sequence(&[
        &tagged(4, &[1; 16]),
        &number(cost),
        &number(block),
        &number(lanes),
    ]);
    sequence(&[&[6, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 0x0b], &parameters])
}

fn number(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    let zero: &[u8] = if bytes[first] & 0x80 != 0 { &[0] } else { &[] };
    tagged(2, &[zero, &bytes[first..]].concat())
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..128 => vec![short as u8],
        middle @ 128..256 => vec![0x81, middle as u8],
        long => vec![0x82, (long >> 8) as u8, long as u8],
    };
    [&[tag], length.as_slice(), content].concat()
}

const IDLE: u64 = 5_000;

/// Lets this process hold as many connections as the system allows, and tells how many that are, with room to spare.
fn room_for_connections() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, most).unwrap();
    limit.maximum.map_or(IDLE, |most| most.saturating_sub(200))
}

#[test]
fn many_idle_connections_leave_room_for_others() {
    let many = room_for_connections().min(IDLE);
    let scene = Scene::new();
    let before = scene.served.memory();
    let idle: Vec<TcpStream> = (0..many).map(|_| TcpStream::connect(scene.at).unwrap()).collect();
    for mut stream in &idle {
        // The beginning of a request that never goes on.
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").unwrap();
    }
    scene.is_well();
    let each = scene.served.memory().saturating_sub(before) / many;
    assert!(each < 64, "{each} KiB for each");
    // They are ended, and not by us.
    let mut last = idle.last().unwrap();
    last.set_read_timeout(Some(std::time::Duration::from_secs(120)))
        .unwrap();
    let mut rest = Vec::new();
    last.read_to_end(&mut rest).unwrap();
    scene.is_well();
}
