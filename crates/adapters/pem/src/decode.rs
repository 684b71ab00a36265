use keystead_application::ports::{
    DecodedFile, EncodedPrivateKey, EncodedPublicKey, ExportCodecError, PrivateBlock, PublicBlock,
};

use crate::encryption::{self, Budget};
use crate::label::{Label, Refusal};
use crate::scan::{self, Block, lines};
use crate::{clear, metadata, stranger};

/// The longest file that is read, in bytes.
pub const MAX_FILE_LEN: usize = 16 * 1024 * 1024;
/// The most blocks of a file, of whatever kind.
pub const MAX_BLOCKS: usize = 4096;
/// The most private keys of a file.
pub const MAX_PRIVATE_KEYS: usize = 1000;
/// The longest body of a block that belongs to a keyset, as text, in bytes.
pub const MAX_BLOCK_LEN: usize = 64 * 1024;

pub(crate) fn decode(file: &[u8]) -> Result<DecodedFile, ExportCodecError> {
    let blocks = bounded_blocks(file)?;
    check_number_of_keys(&blocks)?;

    let mut decoded = DecodedFile {
        privates: Vec::new(),
        publics: Vec::new(),
        metadata: Vec::new(),
    };
    let mut budget = Budget::default();
    for block in &blocks {
        add(&mut decoded, &mut budget, block)?;
    }
    if decoded.privates.is_empty() {
        return Err(stranger::describe(file, &blocks));
    }
    Ok(decoded)
}

/// The public keys of a file, whatever else is in it.
pub(crate) fn public_keys(file: &[u8]) -> Result<Vec<PublicBlock>, ExportCodecError> {
    let mut decoded = DecodedFile {
        privates: Vec::new(),
        publics: Vec::new(),
        metadata: Vec::new(),
    };
    let is_public = |block: &&Block<'_>| matches!(block.label, Label::PublicKey | Label::RsaPublicKey);
    for block in bounded_blocks(file)?.iter().filter(is_public) {
        add(&mut decoded, &mut Budget::default(), block)?;
    }
    Ok(decoded.publics)
}

fn bounded_blocks(file: &[u8]) -> Result<Vec<Block<'_>>, ExportCodecError> {
    if file.len() > MAX_FILE_LEN {
        return Err(ExportCodecError::TooMuchWork(format!(
            "the file has {} bytes; at most {} MiB are read",
            file.len(),
            MAX_FILE_LEN / 1024 / 1024
        )));
    }
    // A byte order mark would hide the first line.
    scan::blocks(file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file))
}

fn check_number_of_keys(blocks: &[Block<'_>]) -> Result<(), ExportCodecError> {
    let is_private = |label| {
        matches!(
            label,
            Label::PrivateKey | Label::EncryptedPrivateKey | Label::RsaPrivateKey
        )
    };
    let keys = blocks.iter().filter(|block| is_private(block.label)).count();
    if keys > MAX_PRIVATE_KEYS {
        return Err(ExportCodecError::TooMuchWork(format!(
            "the file has {keys} private keys; at most {MAX_PRIVATE_KEYS} are read"
        )));
    }
    Ok(())
}

fn add(decoded: &mut DecodedFile, budget: &mut Budget, block: &Block<'_>) -> Result<(), ExportCodecError> {
    if block.label.matters() && block.body.len() > MAX_BLOCK_LEN {
        return Err(ExportCodecError::TooMuchWork(format!(
            "a {} block has {} bytes; at most {MAX_BLOCK_LEN} are read",
            block.label.text(),
            block.body.len()
        )));
    }
    match block.label {
        Label::PrivateKey => {
            let key = EncodedPrivateKey::Pkcs8(clear::read(block)?);
            decoded.privates.push(PrivateBlock::Plain(key));
        }
        Label::RsaPrivateKey => {
            refuse_old_encryption(block)?;
            let key = EncodedPrivateKey::Pkcs1(clear::read(block)?);
            decoded.privates.push(PrivateBlock::Plain(key));
        }
        Label::EncryptedPrivateKey => {
            let der = read(block)?;
            let protection = encryption::inspect(&der, budget)?;
            decoded.privates.push(PrivateBlock::Protected { der, protection });
        }
        Label::PublicKey => {
            let key = EncodedPublicKey::Spki(read(block)?);
            decoded.publics.push(PublicBlock(key));
        }
        Label::RsaPublicKey => {
            let key = EncodedPublicKey::Pkcs1(read(block)?);
            decoded.publics.push(PublicBlock(key));
        }
        Label::Keyset => decoded.metadata.push(metadata::from_body(&read(block)?)?),
        Label::Refused(refusal) => return Err(Refusal::error(refusal)),
        Label::Other(_) => {}
    }
    Ok(())
}

/// Reads a block that holds no secret. The lines are cleaned first: a blank line among them would be taken for the end of
/// headers.
fn read(block: &Block<'_>) -> Result<Vec<u8>, ExportCodecError> {
    let label = block.label.text();
    let mut text = Vec::with_capacity(block.body.len() + 128);
    text.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    for line in lines(block.body) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
    let contents = pem::parse(text)
        .map_err(|_| block.label.damaged("it is not base64"))?
        .into_contents();
    if contents.is_empty() {
        return Err(block.label.damaged("it is empty"));
    }
    Ok(contents)
}

/// The encryption of PEM itself (RFC 1421 headers) derives its key with one round of MD5, and is not read.
fn refuse_old_encryption(block: &Block<'_>) -> Result<(), ExportCodecError> {
    let is_header = |line: &[u8]| line.starts_with(b"Proc-Type:") || line.starts_with(b"DEK-Info:");
    if lines(block.body).any(is_header) {
        return Err(ExportCodecError::NotAccepted {
            found: "the RSA PRIVATE KEY block is encrypted in the old way of OpenSSL (DEK-Info)".into(),
            fix: "convert it with `openssl pkey -in FILE -aes256 -out NEW.pem` and import the new file"
                .into(),
        });
    }
    Ok(())
}
