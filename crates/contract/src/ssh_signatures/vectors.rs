use std::sync::Arc;

use keystead_domain::SecretBytes;

use super::{NAMESPACE, SshSignaturesFixture, armored};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn SshSignaturesFixture>> {
    cases![what_openssh_signed_is_verified if ed25519, the_same_bytes_are_signed_as_openssh_signs if ed25519]
}

/// The seed of a private key that `ssh-keygen` made.
const SEED: [u8; 32] = [
    0x5d, 0xb6, 0x91, 0xea, 0x29, 0x58, 0xfa, 0x2e, 0xb5, 0xf0, 0x0b, 0x7a, 0xd1, 0xab, 0x23, 0x27, 0x94,
    0x5a, 0x37, 0x8e, 0x9c, 0xee, 0x84, 0x54, 0x1f, 0x1a, 0x2f, 0xba, 0x2a, 0x48, 0xa5, 0x6e,
];
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP0bWENT4Fyq7US7nU9uogvz7bizK3MKAJoUlGwZC/Wf contract";
/// `ssh-keygen -Y sign -n keystead-contract`, OpenSSH 9.2.
const SIGNATURE: &str = "\
-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg/RtYQ1PgXKrtRLudT26iC/PtuL
MrcwoAmhSUbBkL9Z8AAAARa2V5c3RlYWQtY29udHJhY3QAAAAAAAAABnNoYTUxMgAAAFMA
AAALc3NoLWVkMjU1MTkAAABAr6xrMin0Vq8DRy4giI4mlAcnMNzkq0ksyAhEMcfpy26UVB
/CJSb3jFjLHmJMkJdXE2THhlOwharx9bMKzWKDBw==
-----END SSH SIGNATURE-----
";
const MESSAGE: &[u8] = b"a message";

fn ed25519(fixture: &(dyn SshSignaturesFixture + 'static)) -> Result<(), &'static str> {
    if fixture.is_ed25519() {
        Ok(())
    } else {
        Err("the signatures are not of Ed25519")
    }
}

async fn what_openssh_signed_is_verified(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let signatures = fixture.signatures();
    let (key, signature) = (signatures.read_key(KEY)?, signatures.dearmor(SIGNATURE)?);
    equal(
        &signatures.claimed_key(&signature)?,
        &key,
        "the key that the signature names",
    )?;
    signatures.verify(&key, NAMESPACE, MESSAGE, &signature)?;
    Ok(())
}

/// Ed25519 signs the same bytes with the same signature, whoever computes it.
async fn the_same_bytes_are_signed_as_openssh_signs(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let signatures = fixture.signatures();
    let seed = SecretBytes::new(SEED.to_vec());
    let made = signatures.sign(&seed, NAMESPACE, MESSAGE)?;
    ensure!(armored(&made, "\n") == SIGNATURE, "the signature is another one");
    Ok(())
}
