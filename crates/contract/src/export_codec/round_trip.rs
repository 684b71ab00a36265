use std::sync::Arc;

use keystead_application::ports::{EncodePlan, EncodedPublicKey, Protect, PublicBlock};
use keystead_domain::{Protection, SecretBytes};

use super::{
    ExportCodecFixture, PASSPHRASE, export, is_key_of, is_plain_key_of, joined, metadata, not_unlocked,
    signed,
};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn ExportCodecFixture>> {
    cases![
        an_unprotected_export_is_read_again,
        a_protected_export_is_unlocked_again,
        another_passphrase_does_not_unlock,
        salt_and_vector_are_used,
        metadata_survives_byte_for_byte,
        different_metadata_is_signed_differently,
        several_exports_in_one_file_are_all_read,
        what_mail_and_editors_add_is_passed_over,
        public_keys_are_found_without_a_private_one,
    ]
}

async fn an_unprotected_export_is_read_again(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let file = codec.decode(&export(&*codec, &pair, None)?)?;
    equal(file.privates.len(), 1, "the private keys in the file")?;
    equal(
        file.privates[0].protection(),
        Protection::Unprotected,
        "the protection",
    )?;
    ensure!(
        is_plain_key_of(&file.privates[0], &pair),
        "the private key came back changed"
    );
    let public = PublicBlock(EncodedPublicKey::Spki(pair.public.spki_der().to_vec()));
    equal(file.publics, vec![public], "the public keys in the file")?;
    equal(file.metadata.len(), 1, "the metadata blocks in the file")
}

async fn public_keys_are_found_without_a_private_one(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let public = PublicBlock(EncodedPublicKey::Spki(pair.public.spki_der().to_vec()));
    let export = export(&*codec, &pair, None)?;
    equal(
        codec.public_keys(export.expose())?,
        vec![public],
        "the public keys of an export",
    )?;
    // A file without any key at all has no public keys either, and that is no error.
    equal(
        codec.public_keys(b"only text\n")?,
        Vec::new(),
        "the public keys of a text",
    )
}

async fn a_protected_export_is_unlocked_again(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    // Exactly these bytes: beyond ASCII, and not even UTF-8.
    for passphrase in [PASSPHRASE, b"P\xc3\xa4ssw\xc3\xb6rd \xff\xfe"] {
        let passphrase = samples::passphrase(passphrase);
        let file = codec.decode(&export(&*codec, &pair, Some(&passphrase))?)?;
        equal(file.privates.len(), 1, "the private keys in the file")?;
        let block = &file.privates[0];
        ensure!(
            matches!(block.protection(), Protection::Passphrase(_)),
            "the private key is not protected"
        );
        ensure!(
            is_key_of(&codec.unlock(block, &passphrase)?, &pair),
            "the private key came back changed"
        );
        equal(file.publics.len(), 1, "the public keys in the file")?;
        equal(file.metadata.len(), 1, "the metadata blocks in the file")?;
    }
    Ok(())
}

async fn another_passphrase_does_not_unlock(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let passphrase = samples::passphrase(PASSPHRASE);
    let file = codec.decode(&export(&*codec, &pair, Some(&passphrase))?)?;
    for other in [
        &b""[..],
        b"Correct horse battery staple",
        b"correct horse battery staple\n",
    ] {
        let result = codec.unlock(&file.privates[0], &samples::passphrase(other));
        not_unlocked(result, "another passphrase")?;
    }
    Ok(())
}

async fn salt_and_vector_are_used(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let passphrase = samples::passphrase(PASSPHRASE);
    let metadata = metadata(&pair, samples::hint("salted")?)?;
    let encode = |salt, iv| -> Result<SecretBytes, crate::Violation> {
        Ok(codec.encode(EncodePlan {
            private: &pair.private,
            public: &pair.public,
            metadata: signed(&*codec, &metadata)?,
            protect: Protect::Passphrase {
                passphrase: &passphrase,
                salt,
                iv,
            },
        })?)
    };
    let first = encode([1; 16], [1; 16])?;
    for (what, other) in [
        ("salt", encode([2; 16], [1; 16])?),
        ("vector", encode([1; 16], [2; 16])?),
    ] {
        ensure!(
            first.expose() != other.expose(),
            "another {what} gives the same export"
        );
    }
    Ok(())
}

async fn metadata_survives_byte_for_byte(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    for hint in samples::awkward_hints()? {
        let metadata = metadata(&pair, hint)?;
        let signed = signed(&*codec, &metadata)?;
        let file = codec.decode(&codec.encode(EncodePlan {
            private: &pair.private,
            public: &pair.public,
            metadata: signed.clone(),
            protect: Protect::Unprotected,
        })?)?;
        equal(file.metadata.len(), 1, "the metadata blocks in the file")?;
        equal(&file.metadata[0].metadata, &metadata, "what the metadata says")?;
        let found = &file.metadata[0].signed;
        ensure!(
            found.json == signed.json,
            "the bytes of the metadata came back changed"
        );
        ensure!(
            found.signature == signed.signature,
            "the signature came back changed"
        );
    }
    Ok(())
}

async fn different_metadata_is_signed_differently(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let json = |text: &str| -> Result<Vec<u8>, crate::Violation> {
        Ok(codec.metadata_json(&metadata(&pair, samples::hint(text)?)?)?)
    };
    let (one, other) = (json("one")?, json("other")?);
    ensure!(one != other, "two hints give the same metadata");
    let message = codec.signed_message(&one);
    equal(
        codec.signed_message(&one),
        message.clone(),
        "the message of the same metadata",
    )?;
    ensure!(
        message != codec.signed_message(&other),
        "the message does not depend on the metadata"
    );
    ensure!(
        message.ends_with(&one) && message.len() > one.len(),
        "the message is not the metadata behind a mark of its purpose"
    );
    Ok(())
}

async fn several_exports_in_one_file_are_all_read(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let codec = fixture.codec();
    let (a, b) = (fixture.key_pair().await, fixture.key_pair().await);
    let passphrase = samples::passphrase(PASSPHRASE);
    let protected = export(&*codec, &a, Some(&passphrase))?;
    let plain = export(&*codec, &b, None)?;
    let file = codec.decode(&joined(&[protected.expose(), plain.expose()]))?;
    equal(file.privates.len(), 2, "the private keys in the file")?;
    ensure!(
        is_key_of(&codec.unlock(&file.privates[0], &passphrase)?, &a),
        "the first key came back changed"
    );
    ensure!(
        is_plain_key_of(&file.privates[1], &b),
        "the second key came back changed"
    );
    let spki = |pair: &keystead_application::ports::KeyPair| {
        PublicBlock(EncodedPublicKey::Spki(pair.public.spki_der().to_vec()))
    };
    equal(
        &file.publics,
        &vec![spki(&a), spki(&b)],
        "the public keys in the file",
    )?;
    let fingerprints: Vec<_> = file
        .metadata
        .iter()
        .map(|block| block.metadata.fingerprint)
        .collect();
    equal(
        fingerprints,
        vec![a.public.fingerprint(), b.public.fingerprint()],
        "the keysets of the metadata",
    )
}

async fn what_mail_and_editors_add_is_passed_over(fixture: Arc<dyn ExportCodecFixture>) -> Verdict {
    let (codec, pair) = (fixture.codec(), fixture.key_pair().await);
    let passphrase = samples::passphrase(PASSPHRASE);
    let plain = export(&*codec, &pair, None)?;
    let text = std::str::from_utf8(plain.expose())?;
    let foreign = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let variants = [
        ("carriage returns", text.replace('\n', "\r\n")),
        ("a byte order mark", format!("\u{feff}{text}")),
        ("trailing blanks", text.replace('\n', " \t\n")),
        ("text around it", format!("Dear Ada,\n\n{text}\nyours, Zoë\n")),
        ("a foreign block", format!("{foreign}{text}{foreign}")),
        ("no line end at the end", text.trim_end().to_owned()),
    ];
    for (what, variant) in variants {
        let file = match codec.decode(&SecretBytes::new(variant.into_bytes())) {
            Ok(file) => file,
            Err(error) => return Err(crate::Violation::new(format!("{what}: not read ({error})"))),
        };
        equal(file.privates.len(), 1, what)?;
        ensure!(
            is_plain_key_of(&file.privates[0], &pair),
            "{what}: the key came back changed"
        );
        equal((file.publics.len(), file.metadata.len()), (1, 1), what)?;
    }
    let protected = export(&*codec, &pair, Some(&passphrase))?;
    let crlf = std::str::from_utf8(protected.expose())?.replace('\n', "\r\n");
    let file = codec.decode(&SecretBytes::new(crlf.into_bytes()))?;
    ensure!(
        is_key_of(&codec.unlock(&file.privates[0], &passphrase)?, &pair),
        "the protected key came back changed"
    );
    Ok(())
}
