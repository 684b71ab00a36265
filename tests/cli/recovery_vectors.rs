//! The texts of recoveries in tests/fixtures/recovery, which a script of its own made, are read to exactly what they hold,
//! and written byte for byte.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_age::{AgeMessageCipher, AgeSealedFormat};
use keystead_application::exchange::{
    Confirmation, Enrolment, FileKeys, RequestDocument, Response, ResponseDocument, TextKind,
    UnverifiedRequest, WhyUnopened, text_kind,
};
use keystead_application::ports::{MessageCipher, ParsedHeader, SealedFormat, SshSignatures};
use keystead_domain::keyset::Version;
use keystead_domain::{
    APPROVAL_NAMESPACE, BackupServer, IdentityKeys, Installation, ManagerIdentity, Officer, OfficerId,
    Origins, Permission, Recovery, RecoveryPolicy, Register, Removal, RequestedFile, SealedBytes,
    SecretBytes, ServerId, ServerIdentity, SignedRequest, Timestamp, approval_statement, register_digest,
};
use keystead_ssh_signatures::OpenSshSignatures;
use serde_json::{Value, json};
use support::text;
use support::tools::from_hex;

const SSH: OpenSshSignatures = OpenSshSignatures;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/recovery")
        .join(name)
}

fn fixture(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// What the texts hold, as the script wrote it down.
fn expected() -> Value {
    serde_json::from_str(&fixture("expected.json")).unwrap()
}

fn secret(name: &str) -> SecretBytes {
    SecretBytes::new(from_hex(text(&expected()["secrets"], name)))
}

/// The raw public key of a line `ssh-ed25519 …`.
fn raw(line: &str) -> [u8; 32] {
    SSH.read_key(line).unwrap().ed25519().unwrap()
}

fn server_keys() -> IdentityKeys {
    let enrolment = &expected()["enrolment"];
    IdentityKeys {
        signing: raw(text(enrolment, "signing_key")),
        encryption: text(enrolment, "encryption_key").parse().unwrap(),
    }
}

fn manager_key() -> [u8; 32] {
    raw(text(&expected()["confirmation"], "manager_key"))
}

fn signed_request() -> SignedRequest {
    let bytes = RequestDocument::from_text(&fixture("request.txt")).unwrap();
    let request = UnverifiedRequest::new(bytes, &SSH).unwrap();
    request.verified(&server_keys(), &SSH).unwrap()
}

fn response() -> Response {
    let document = ResponseDocument::from_text(&fixture("response.txt")).unwrap();
    document.verified(&manager_key(), &SSH).unwrap()
}

#[test]
fn an_enrolment_is_read_and_written_as_the_format_says() {
    let document = fixture("enrolment.txt");
    assert_eq!(text_kind(&document), Some(TextKind::Enrolment));
    let enrolment = Enrolment::from_text(&document, &SSH).unwrap();
    let expected = expected();
    let values = json!({
        "version": 1,
        "name": enrolment.name.as_str(),
        "signing_key": SSH.ed25519_key(&enrolment.keys.signing).to_string(),
        "encryption_key": enrolment.keys.encryption.as_str(),
        "server_id": enrolment.server.map(|id| id.to_string()),
        "created_at": enrolment.created_at.to_string(),
    });
    assert_eq!(values, expected["enrolment"]);
    assert_eq!(enrolment.keys.fingerprint().to_string(), expected["identity"]);
    let again = enrolment.to_text(&secret("server_signing"), &SSH).unwrap();
    assert_eq!(again, document);
}

#[test]
fn a_confirmation_is_read_and_written_as_the_format_says() {
    let document = fixture("confirmation.txt");
    assert_eq!(text_kind(&document), Some(TextKind::Confirmation));
    let confirmation = Confirmation::from_text(&document, &SSH).unwrap();
    let expected = expected();
    let values = json!({
        "version": 1,
        "installation_id": confirmation.installation.to_string(),
        "manager_key": SSH.ed25519_key(&confirmation.manager).to_string(),
        "server_id": confirmation.server.to_string(),
        "server_name": confirmation.name.as_str(),
        "server_identity": confirmation.identity.to_string(),
        "recipient": confirmation.recipient.as_ref().map(ToString::to_string),
        "created_at": confirmation.created_at.to_string(),
    });
    assert_eq!(values, expected["confirmation"]);
    assert_eq!(
        confirmation.manager_fingerprint().to_string(),
        expected["manager"]
    );
    let again = confirmation.to_text(&secret("manager_signing"), &SSH).unwrap();
    assert_eq!(again, document);
}

#[test]
fn a_request_is_read_and_written_as_the_format_says() {
    let document = fixture("request.txt");
    assert_eq!(text_kind(&document), Some(TextKind::Request));
    let SignedRequest {
        request,
        identity,
        digest,
    } = signed_request();
    let file = |file: &RequestedFile| {
        json!({
            "name": file.name,
            "file_id": file.file_id.map(|id| id.to_string()),
            "header": std::str::from_utf8(&file.header).unwrap(),
        })
    };
    let nonce: String = request.nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    let values = json!({
        "version": 1,
        "id": request.id.to_string(),
        "nonce": nonce,
        "server_id": request.server.to_string(),
        "server_name": request.server_name.as_str(),
        "asked_by": request.asked_by.as_str(),
        "reason": request.reason.as_ref().map(|reason| reason.as_str()),
        "created_at": request.validity.created_at.to_string(),
        "expires_at": request.validity.expires_at.to_string(),
        "response_key": request.response_key.as_str(),
        "files": request.files.iter().map(file).collect::<Vec<_>>(),
    });
    let expected = expected();
    assert_eq!(values, expected["request"]);
    assert_eq!(identity.to_string(), expected["identity"]);
    assert_eq!(digest.to_string(), expected["request_digest"]);
    let again = RequestDocument::sign(&request, &secret("server_signing"), &SSH).unwrap();
    assert_eq!(RequestDocument::to_text(&again), document);
}

#[test]
fn a_response_is_read_and_written_as_the_format_says() {
    let document = fixture("response.txt");
    assert_eq!(text_kind(&document), Some(TextKind::Response));
    let response = response();
    let expected = expected();
    let unopened: Vec<Value> = response
        .unopened
        .iter()
        .map(|unopened| {
            let WhyUnopened::NoKeyset(named) = &unopened.why else {
                panic!("another reason: {:?}", unopened.why);
            };
            let named: Vec<String> = named.iter().map(ToString::to_string).collect();
            json!({ "file": unopened.file, "why": unopened.why.as_str(), "keysets": named })
        })
        .collect();
    let values = json!({
        "version": 1,
        "installation_id": response.installation.to_string(),
        "request_id": response.request.to_string(),
        "request_digest": response.digest.to_string(),
        "server_id": response.server.to_string(),
        "created_at": response.validity.created_at.to_string(),
        "expires_at": response.validity.expires_at.to_string(),
        "unopened": unopened,
        "encrypted": STANDARD.encode(&response.encrypted),
    });
    assert_eq!(values, expected["response"]);
    let again = ResponseDocument::sign(&response, &secret("manager_signing"), &SSH).unwrap();
    assert_eq!(again.to_text(), document);
}

#[test]
fn the_file_keys_of_a_response_are_read_and_belong_to_the_headers_of_the_request() {
    let identity = SecretBytes::new(fixture("response-key.txt").trim_end().as_bytes().to_vec());
    let response = response();
    let message = AgeMessageCipher.decrypt(&identity, &response.encrypted).unwrap();
    let keys = FileKeys::from_bytes(&message).unwrap();
    assert_eq!((keys.request, keys.digest), (response.request, response.digest));
    assert_eq!(keys.until, response.validity.expires_at);
    let expected = from_hex(text(&expected(), "file_keys"));
    assert_eq!(keys.to_bytes().expose(), expected);

    assert_eq!(keys.keys.len(), 1);
    let [first, second] = signed_request().request.files.try_into().unwrap();
    let header = |file: &RequestedFile| match AgeSealedFormat.parse_header(&file.header).unwrap() {
        ParsedHeader::Complete { header, len } if len == file.header.len() => header,
        _ => panic!("more or less than a header"),
    };
    let (key, format) = (&keys.keys[0], AgeSealedFormat);
    assert_eq!(key.file, 0);
    assert!(format.verify_header(&header(&first), &key.key).is_ok());
    assert!(format.verify_header(&header(&second), &key.key).is_err());
}

#[test]
fn an_approval_is_over_the_statement_that_the_format_says() {
    let sealed = SealedBytes {
        master_key_id: "none".parse().unwrap(),
        provider: "none".to_owned(),
        format_version: 1,
        ciphertext: Vec::new(),
    };
    let epoch = Timestamp::from_micros(0).unwrap();
    let installation = Installation {
        id: response().installation,
        created_at: epoch,
        key_check: sealed.clone(),
        identity: ManagerIdentity {
            public_key: manager_key(),
            sealed_private_key: sealed,
            created_at: epoch,
        },
    };
    let permission = Permission {
        origins: Origins::OwnOrUnnamed,
        retired_identity: false,
    };
    let recovery = Recovery::received(&signed_request(), epoch);
    let name = "db1".parse().unwrap();
    let statement = approval_statement(&installation, &recovery, &name, permission);
    assert_eq!(statement, fixture("statement.txt"));

    let officer = SSH.ed25519_key(&raw(&signer("officer")));
    let signature = SSH.dearmor(&fixture("statement.txt.sig")).unwrap();
    let verified = SSH.verify(&officer, APPROVAL_NAMESPACE, statement.as_bytes(), &signature);
    assert_eq!(verified, Ok(()));
    let again = SSH.sign(
        &secret("officer_signing"),
        APPROVAL_NAMESPACE,
        statement.as_bytes(),
    );
    assert_eq!(again.unwrap(), signature);
}

/// The public key of a signer, as the file for ssh-keygen names it.
fn signer(name: &str) -> String {
    let signers = fixture("allowed_signers");
    let line = signers.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start().to_owned()
}

#[test]
fn what_mail_programs_do_to_a_text_changes_nothing_of_it() {
    let document = fixture("request.txt");
    let bytes = RequestDocument::from_text(&document).unwrap();
    let quoted: String = document.lines().map(|line| format!("> > {line} \r\n")).collect();
    let around = format!("Dear Ada,\n\n{document}\n-- \nGrace\n");
    for text in [&quoted, &around, &document.replace('\n', "\n\n\u{a0}")] {
        assert_eq!(RequestDocument::from_text(text).unwrap(), bytes, "{text}");
    }
}

#[test]
fn the_register_is_over_every_field_as_the_format_says() {
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).unwrap();
    let removal = |reason: Option<&str>| Removal {
        at: at(9),
        reason: reason.map(|reason| reason.parse().unwrap()),
    };
    let identity = |keys: IdentityKeys, retired_at: Option<Timestamp>| ServerIdentity {
        keys,
        enrolled_at: at(3),
        retired_at,
    };
    let later = IdentityKeys {
        signing: manager_key(),
        ..server_keys()
    };
    let server = |byte: u8, removed| BackupServer {
        id: ServerId::from_bytes([byte; 16]),
        version: Version(2),
        name: format!("db{byte}").parse().unwrap(),
        identities: vec![
            identity(server_keys(), Some(at(5))),
            identity(later.clone(), None),
        ],
        enrolled_at: at(3),
        removed,
    };
    let officer = Officer {
        id: OfficerId::from_bytes([7; 16]),
        version: Version(1),
        name: "Ada".parse().unwrap(),
        also: vec!["root".parse().unwrap()],
        key: SSH.read_key(&signer("officer")).unwrap(),
        added_at: at(4),
        removed: Some(removal(None)),
    };
    let policy = RecoveryPolicy::new(2, Duration::from_secs(72 * 3600), 5).unwrap();
    // In another order than that of their ids.
    let servers = [server(2, Some(removal(Some("scrapped")))), server(1, None)];
    let register = Register {
        installation: response().installation,
        change: 7,
        digest: register_digest(&servers, &[officer], Some(&policy)),
    };
    assert_eq!(register.to_string(), text(&expected(), "register"));
}
