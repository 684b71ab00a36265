mod header;
mod open;
mod seal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keystead_application::ports::{
    HeaderPlan, ParsedHeader, PayloadStream, SealedFormat, SealedFormatError, SealedHeader,
};
use keystead_domain::{Argon2Cost, FileKey, Passphrase, PasswordSlot};

use self::open::OpeningStream;
use self::seal::SealingStream;
use crate::token::{lock, token_array};

/// The content of a full record, as in age v1.
const CHUNK: usize = 64 * 1024;
/// What stands behind the content of a record.
const TAG: usize = 16;
/// A full record.
const RECORD: usize = CHUNK + TAG;

/// A format for sealed files that only it and its clones can open. Codes and records are tokens; lengths, padding and
/// errors are those of the real format.
#[derive(Clone, Default)]
pub struct MemorySealedFormat {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    /// What each message authentication code was made for.
    codes: HashMap<[u8; 32], (Vec<u8>, [u8; 16])>,
    /// What each wrapped file key stands for.
    wrapped: HashMap<[u8; 32], Wrapped>,
    /// What each record stands for, by its tag.
    records: HashMap<[u8; TAG], Record>,
}

struct Wrapped {
    salt: [u8; 16],
    cost: Argon2Cost,
    password: Passphrase,
    file_key: [u8; 16],
}

struct Record {
    place: Place,
    body: Vec<u8>,
    content: Vec<u8>,
}

/// Where a record belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    file_key: [u8; 16],
    nonce: [u8; 16],
    index: u64,
    last: bool,
}

impl MemorySealedFormat {
    /// A format that has sealed nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl SealedFormat for MemorySealedFormat {
    fn keyset_label(&self) -> &'static [u8] {
        b"keystead-memory/v1/keyset"
    }

    fn write_header(&self, plan: &HeaderPlan, file_key: &FileKey) -> Result<Vec<u8>, SealedFormatError> {
        let mut bytes = header::write(plan)?;
        let code: [u8; 32] = token_array();
        lock(&self.tables)
            .codes
            .insert(code, (bytes.clone(), *file_key.expose()));
        bytes.extend_from_slice(&header::code(&code));
        Ok(bytes)
    }

    fn is_armored(&self, _beginning: &[u8]) -> Option<bool> {
        Some(false)
    }

    fn dearmor(&self) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        Err(SealedFormatError::NotSealed("this format has no armor".into()))
    }

    fn parse_header(&self, bytes: &[u8]) -> Result<ParsedHeader, SealedFormatError> {
        header::parse(bytes)
    }

    fn verify_header(&self, header: &SealedHeader, file_key: &FileKey) -> Result<(), SealedFormatError> {
        match lock(&self.tables).codes.get(&header.mac) {
            Some((authenticated, key))
                if *authenticated == header.authenticated && key == file_key.expose() =>
            {
                Ok(())
            }
            Some(_) | None => Err(SealedFormatError::HeaderChanged),
        }
    }

    fn wrap_with_password(
        &self,
        slot: PasswordSlot,
        password: &Passphrase,
        file_key: &FileKey,
    ) -> Result<PasswordSlot, SealedFormatError> {
        let wrapped = Wrapped {
            salt: slot.salt,
            cost: slot.cost.check()?,
            password: Passphrase::new(password.expose().to_vec().into()),
            file_key: *file_key.expose(),
        };
        let token = token_array();
        lock(&self.tables).wrapped.insert(token, wrapped);
        Ok(PasswordSlot {
            wrapped: token,
            ..slot
        })
    }

    fn unwrap_with_password(
        &self,
        slot: &PasswordSlot,
        password: &Passphrase,
    ) -> Result<FileKey, SealedFormatError> {
        let cost = slot.cost.check()?;
        match lock(&self.tables).wrapped.get(&slot.wrapped) {
            Some(found)
                if found.salt == slot.salt
                    && found.cost == cost
                    && found.password.expose() == password.expose() =>
            {
                Ok(FileKey::new(found.file_key.into()))
            }
            Some(_) | None => Err(SealedFormatError::NotUnlocked),
        }
    }

    fn seal_payload(
        &self,
        file_key: &FileKey,
        nonce: [u8; 16],
    ) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        Ok(Box::new(SealingStream::new(
            Arc::clone(&self.tables),
            *file_key.expose(),
            nonce,
        )))
    }

    fn open_payload(&self, file_key: &FileKey) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        Ok(Box::new(OpeningStream::new(
            Arc::clone(&self.tables),
            *file_key.expose(),
        )))
    }
}
