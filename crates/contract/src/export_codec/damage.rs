use std::sync::Arc;

use keystead_application::ports::{ExportCodecError, PrivateBlock};
use keystead_domain::SecretBytes;

use super::{ExportCodecFixture, PASSPHRASE, export, is_key_of, is_plain_key_of};
use crate::case::{cases, ensure};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn ExportCodecFixture>> {
    cases![
        a_file_without_a_private_key_is_named_so,
        a_changed_protected_key_never_becomes_another_key,
        a_file_that_was_cut_never_gives_another_key,
    ]
}

async fn a_file_without_a_private_key_is_named_so(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let codec = fixture.codec();
    let certificate = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let files = [
        vec![],
        b"\n".to_vec(),
        b"only some words\n".to_vec(),
        certificate.to_vec(),
        samples::bytes(9, 5_000),
        vec![0; 5_000],
        "\u{feff}".as_bytes().to_vec(),
    ];
    for bytes in files {
        let what = format!("a file of {} bytes without a private key", bytes.len());
        match codec.decode(&SecretBytes::new(bytes)) {
            Err(ExportCodecError::NoPrivateKey { .. }) => {}
            Err(error) => {
                return Err(Violation::new(format!(
                    "{what}: refused with another error ({error:?})"
                )));
            }
            Ok(_) => return Err(Violation::new(format!("{what}: accepted"))),
        }
    }
    Ok(())
}

async fn a_changed_protected_key_never_becomes_another_key(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let passphrase = samples::passphrase(PASSPHRASE);
    let file = codec.decode(&export(&*codec, &pair, Some(&passphrase))?)?;
    let PrivateBlock::Protected { der, protection } = &file.privates[0] else {
        return Err(Violation::new("the private key is not protected"));
    };
    // The whole block would take too long: each try derives a key. The front holds the parameters, which are cheap to
    // refuse or to compute; the ends of the ciphertext and its middle stand for the rest.
    let positions = [0, der.len() / 2, der.len() - 17, der.len() - 1];
    for position in positions {
        let mut der = der.clone();
        der[position] ^= 0x04;
        let changed = PrivateBlock::Protected {
            der,
            protection: protection.clone(),
        };
        if let Ok(key) = codec.unlock(&changed, &passphrase) {
            let harmless = is_key_of(&key, &pair) || !fixture.admits(&key).await;
            ensure!(harmless, "with byte {position} changed it unlocks to another key");
        }
    }
    Ok(())
}

async fn a_file_that_was_cut_never_gives_another_key(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let whole = export(&*codec, &pair, None)?;
    for len in (0..whole.expose().len()).step_by(13) {
        let cut = SecretBytes::new(whole.expose()[..len].to_vec());
        if let Ok(file) = codec.decode(&cut) {
            ensure!(
                !file.privates.is_empty(),
                "cut after {len} bytes it is read without a private key"
            );
            let same = file.privates.iter().all(|block| is_plain_key_of(block, &pair));
            ensure!(same, "cut after {len} bytes it gives another key");
        }
    }
    Ok(())
}
