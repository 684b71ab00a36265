use aws_lc_rs::hmac;
use keystead_application::ports::{
    HeaderPlan, ParsedHeader, PayloadStream, SealedFormat, SealedFormatError, SealedHeader,
};
use keystead_domain::{FileKey, KeysetSlot, Passphrase, PasswordSlot, SealInfo};

use crate::armor::{self, Dearmor};
use crate::header::{self, RawHeader, damaged};
use crate::kdf::derive;
use crate::payload::{Opener, Sealer};
use crate::{password, stanzas};

/// Sealed files in the age v1 format.
#[derive(Debug, Clone, Copy, Default)]
pub struct AgeSealedFormat;

impl SealedFormat for AgeSealedFormat {
    fn keyset_label(&self) -> &'static [u8] {
        b"age-encryption.org/v1/ssh-rsa"
    }

    fn write_header(&self, plan: &HeaderPlan, file_key: &FileKey) -> Result<Vec<u8>, SealedFormatError> {
        let HeaderPlan {
            keysets,
            password,
            info,
        } = plan;
        let mut list: Vec<_> = keysets.iter().map(stanzas::keyset_stanza).collect();
        list.extend(password.iter().map(stanzas::password_stanza));
        list.push(stanzas::info_stanza(info)?);
        let authenticated = header::authenticated_bytes(&list);
        let mac = hmac::sign(&mac_key(file_key)?, &authenticated);
        let mac = mac
            .as_ref()
            .try_into()
            .map_err(|_| SealedFormatError::Cipher("the code is short".into()))?;
        let header = header::finished(authenticated, &mac);
        // What is not read must not be written.
        match header.len() > header::MAX_HEADER_LEN {
            true => Err(SealedFormatError::HeaderTooLong(header::MAX_HEADER_LEN)),
            false => Ok(header),
        }
    }

    fn is_armored(&self, beginning: &[u8]) -> Option<bool> {
        armor::is_armored(beginning)
    }

    fn dearmor(&self) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        Ok(Box::new(Dearmor::default()))
    }

    fn parse_header(&self, bytes: &[u8]) -> Result<ParsedHeader, SealedFormatError> {
        let Some(raw) = header::parse(bytes)? else {
            return Ok(ParsedHeader::NeedsMore);
        };
        let len = raw.len;
        Ok(ParsedHeader::Complete {
            header: Box::new(interpret(raw)?),
            len,
        })
    }

    fn verify_header(&self, header: &SealedHeader, file_key: &FileKey) -> Result<(), SealedFormatError> {
        hmac::verify(&mac_key(file_key)?, &header.authenticated, &header.mac)
            .map_err(|_| SealedFormatError::HeaderChanged)
    }

    fn wrap_with_password(
        &self,
        slot: PasswordSlot,
        password: &Passphrase,
        file_key: &FileKey,
    ) -> Result<PasswordSlot, SealedFormatError> {
        password::wrap(slot, password, file_key)
    }

    fn unwrap_with_password(
        &self,
        slot: &PasswordSlot,
        password: &Passphrase,
    ) -> Result<FileKey, SealedFormatError> {
        password::unwrap(slot, password)
    }

    fn seal_payload(
        &self,
        file_key: &FileKey,
        nonce: [u8; 16],
    ) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        Ok(Box::new(Sealer::new(file_key, nonce)?))
    }

    fn open_payload(&self, file_key: &FileKey) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        Ok(Box::new(Opener::new(file_key.again())))
    }
}

fn mac_key(file_key: &FileKey) -> Result<hmac::Key, SealedFormatError> {
    let key = derive(file_key, &[], b"header")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()))
}

/// What the stanzas say. One that cannot be read, other than a keyset's, counts as one of another program: it must not keep a
/// keyset from opening the file, as it does not keep stock age from it.
fn interpret(raw: RawHeader) -> Result<SealedHeader, SealedFormatError> {
    let RawHeader {
        authenticated,
        mac,
        stanzas: list,
        len: _,
    } = raw;
    let mut keysets: Vec<KeysetSlot> = Vec::new();
    let mut passwords = Vec::new();
    let mut info = None;
    let mut others = Vec::new();
    for stanza in &list {
        let understood = match stanza.kind.as_str() {
            stanzas::KEYSET_KIND => {
                keysets.push(stanzas::read_keyset(stanza)?);
                true
            }
            stanzas::PASSWORD_KIND => match stanzas::read_password(stanza) {
                Ok(slot) => {
                    passwords.push(slot);
                    true
                }
                Err(_) => false,
            },
            stanzas::INFO_KIND if info.is_some() => return Err(damaged("it has two information stanzas")),
            stanzas::INFO_KIND => {
                info = stanzas::read_info(stanza).unwrap_or(None);
                info.is_some()
            }
            _ => false,
        };
        if !understood {
            others.push(stanza.kind.chars().take(64).collect());
        }
    }
    // Fingerprints that cannot be told apart by slot are no help.
    let info = info.filter(|info: &SealInfo| info.fingerprints.len() == keysets.len());
    if let Some(info) = &info {
        for (slot, fingerprint) in keysets.iter_mut().zip(&info.fingerprints) {
            slot.fingerprint = Some(*fingerprint);
        }
    }
    Ok(SealedHeader {
        authenticated,
        mac,
        keysets,
        passwords,
        info,
        others,
    })
}
