use std::sync::Arc;

use keystead_application::ports::SshSignatureError;

use super::{NAMESPACE, SshSignaturesFixture, armored, malformed, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn SshSignaturesFixture>> {
    cases![
        a_raw_key_is_an_ssh_key,
        a_key_is_read_from_its_line,
        what_is_no_key_is_refused,
        a_signature_names_its_key,
        armor_comes_off,
        armor_comes_off_after_a_mail_program,
        what_is_no_armor_is_refused,
    ]
}

async fn a_raw_key_is_an_ssh_key(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let pair = fixture.key_pair();
    let key = fixture.signatures().ed25519_key(&pair.public_key);
    equal(key.kind(), "ssh-ed25519", "the kind of a key")?;
    let wire = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &pair.public_key].concat();
    equal(key.wire(), &wire, "the wire format of a key")
}

async fn a_key_is_read_from_its_line(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let signatures = fixture.signatures();
    let key = signatures.ed25519_key(&fixture.key_pair().public_key);
    for behind in [
        "",
        "\n",
        "\r\n",
        " ada@example.org",
        " Ada's key, 2026\n",
        " x\r\n",
    ] {
        let read = signatures.read_key(&format!("{key}{behind}"))?;
        equal(&read, &key, "the key that was read")?;
    }
    Ok(())
}

async fn what_is_no_key_is_refused(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let signatures = fixture.signatures();
    let line = signatures.ed25519_key(&fixture.key_pair().public_key).to_string();
    let (kind, text) = line.split_at(12);
    for wrong in [
        "".to_owned(),
        "ssh-ed25519".to_owned(),
        "ssh-ed25519 ".to_owned(),
        "ssh-ed25519 AAAA".to_owned(),
        text.to_owned(),
        format!("ssh-rsa {text}"),
        format!("ssh-ed25519-cert-v01@openssh.com {text}"),
        format!("{kind}{}", &text[..text.len() - 4]),
        format!("{kind}{text}AAAA"),
        format!("{kind}{text}=="),
        format!("{kind}!{}", &text[1..]),
        format!("{line}\n{line}"),
        "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
    ] {
        let not_accepted = |error: &SshSignatureError| matches!(error, SshSignatureError::KeyNotAccepted(_));
        refused(
            signatures.read_key(&wrong),
            not_accepted,
            &format!("the line {wrong:?}"),
        )?;
    }
    Ok(())
}

async fn a_signature_names_its_key(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let (signatures, pair) = (fixture.signatures(), fixture.key_pair());
    let signature = signatures.sign(&pair.private_key, NAMESPACE, b"message")?;
    equal(
        &signatures.claimed_key(&signature)?,
        &signatures.ed25519_key(&pair.public_key),
        "the key that a signature names",
    )?;
    for len in 0..signature.len() {
        let what = format!("the key of {len} of {} bytes", signature.len());
        refused(signatures.claimed_key(&signature[..len]), malformed, &what)?;
    }
    Ok(())
}

async fn armor_comes_off(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let (signatures, pair) = (fixture.signatures(), fixture.key_pair());
    let signature = signatures.sign(&pair.private_key, NAMESPACE, b"message")?;
    for line_end in ["\n", "\r\n"] {
        let bare = signatures.dearmor(&armored(&signature, line_end))?;
        ensure!(
            bare == signature,
            "a signature comes out of its armor changed, with the line ends {line_end:?}"
        );
    }
    Ok(())
}

async fn armor_comes_off_after_a_mail_program(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let (signatures, pair) = (fixture.signatures(), fixture.key_pair());
    let signature = signatures.sign(&pair.private_key, NAMESPACE, b"message")?;
    let good = armored(&signature, "\n");
    let quoted: String = good.lines().map(|line| format!("> > {line} \r\n")).collect();
    let wrapped = good.lines().map(|line| match line.split_at(line.len() / 2) {
        _ if line.starts_with('-') => format!("\t{line}\n\n"),
        (half, rest) => format!("  {half}\n\u{a0}{rest}\n"),
    });
    for mailed in [
        quoted.clone(),
        wrapped.collect(),
        format!("\u{feff}Hello,\n\nhere it is.\n\n{good}\n-- \nAda\n"),
        good.replace("-----B", "- -----B").replace("-----E", "- -----E"),
        format!("{good}\n{quoted}"),
    ] {
        let bare = signatures.dearmor(&mailed)?;
        ensure!(
            bare == signature,
            "a signature comes out of its armor changed: {mailed:?}"
        );
    }
    Ok(())
}

async fn what_is_no_armor_is_refused(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let (signatures, pair) = (fixture.signatures(), fixture.key_pair());
    let signature = signatures.sign(&pair.private_key, NAMESPACE, b"message")?;
    let good = armored(&signature, "\n");
    let (begin, end) = (good.find('\n').unwrap_or(0), good.rfind("-----END").unwrap_or(0));
    for wrong in [
        String::new(),
        good[begin..].to_owned(),
        good[..end].to_owned(),
        good[begin..end].to_owned(),
        good.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        good.replace("U1NI", "U1N!"),
        format!("{}A{}", &good[..end - 1], &good[end - 1..]),
        format!("{good}{}", armored(b"another signature", "\n")),
    ] {
        refused(
            signatures.dearmor(&wrong),
            malformed,
            &format!("the armor {wrong:?}"),
        )?;
    }
    Ok(())
}
