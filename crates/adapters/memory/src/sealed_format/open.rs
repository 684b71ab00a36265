use std::sync::{Arc, Mutex};

use keystead_application::ports::{PayloadStream, SealedFormatError};

use super::{Place, RECORD, TAG, Tables};
use crate::token::lock;

/// Looks up each record.
pub(super) struct OpeningStream {
    tables: Arc<Mutex<Tables>>,
    file_key: [u8; 16],
    nonce: Option<[u8; 16]>,
    index: u64,
    /// The last record was seen; nothing but zero bytes may follow.
    ended: bool,
    opened: u64,
    waiting: Vec<u8>,
}

impl OpeningStream {
    pub(super) fn new(tables: Arc<Mutex<Tables>>, file_key: [u8; 16]) -> Self {
        Self {
            tables,
            file_key,
            nonce: None,
            index: 0,
            ended: false,
            opened: 0,
            waiting: Vec::new(),
        }
    }

    /// Takes what is waiting as far as it goes.
    fn advance(&mut self, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        let Some(nonce) = self.nonce else {
            let Some((nonce, rest)) = self.waiting.split_first_chunk() else {
                return Ok(());
            };
            self.nonce = Some(*nonce);
            self.waiting = rest.to_vec();
            return self.advance(out);
        };
        while !self.ended && self.waiting.len() >= RECORD {
            let rest = self.waiting.split_off(RECORD);
            let record = std::mem::replace(&mut self.waiting, rest);
            if !self.open_record(nonce, &record, false, out) {
                self.open_last(nonce, &record, out)?;
            }
        }
        if self.ended {
            if self.waiting.iter().any(|byte| *byte != 0) {
                return Err(SealedFormatError::PayloadDamaged(self.opened));
            }
            self.waiting.clear();
        }
        Ok(())
    }

    /// Opens the last record, which may have zero bytes behind it. Its own tag may end in some.
    fn open_last(
        &mut self,
        nonce: [u8; 16],
        padded: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealedFormatError> {
        let zeros = padded.iter().rev().take_while(|byte| **byte == 0).count();
        let shortest = padded.len() - zeros;
        for length in shortest..=padded.len().min(shortest + TAG) {
            if self.open_record(nonce, &padded[..length], true, out) {
                self.ended = true;
                return Ok(());
            }
        }
        Err(SealedFormatError::PayloadDamaged(self.opened))
    }

    fn open_record(&mut self, nonce: [u8; 16], record: &[u8], last: bool, out: &mut Vec<u8>) -> bool {
        let place = Place {
            file_key: self.file_key,
            nonce,
            index: self.index,
            last,
        };
        let tables = lock(&self.tables);
        let found = record
            .split_last_chunk::<TAG>()
            .and_then(|(body, tag)| tables.records.get(tag).filter(|found| found.body == body));
        match found.filter(|found| found.place == place) {
            Some(found) => {
                out.extend_from_slice(&found.content);
                self.opened += found.content.len() as u64;
                self.index += 1;
                true
            }
            None => false,
        }
    }
}

impl PayloadStream for OpeningStream {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        self.waiting.extend_from_slice(input);
        self.advance(out)
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        if self.ended {
            return Ok(());
        }
        match self.nonce {
            Some(nonce) if !self.waiting.is_empty() => {
                let record = std::mem::take(&mut self.waiting);
                self.open_last(nonce, &record, out)
            }
            Some(_) | None => Err(SealedFormatError::PayloadCut(self.opened)),
        }
    }
}
