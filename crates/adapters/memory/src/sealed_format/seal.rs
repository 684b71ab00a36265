use std::sync::{Arc, Mutex};

use keystead_application::ports::{PayloadStream, SealedFormatError};

use super::{CHUNK, Place, Record, Tables};
use crate::token::{lock, token, token_array};

/// Puts a token in the place of each record.
pub(super) struct SealingStream {
    tables: Arc<Mutex<Tables>>,
    place: Place,
    waiting: Vec<u8>,
}

impl SealingStream {
    pub(super) fn new(tables: Arc<Mutex<Tables>>, file_key: [u8; 16], nonce: [u8; 16]) -> Self {
        let place = Place {
            file_key,
            nonce,
            index: 0,
            last: false,
        };
        Self {
            tables,
            place,
            waiting: Vec::new(),
        }
    }

    fn write_record(&mut self, last: bool, out: &mut Vec<u8>) {
        if self.place.index == 0 {
            out.extend_from_slice(&self.place.nonce);
        }
        let content: Vec<u8> = self.waiting.drain(..self.waiting.len().min(CHUNK)).collect();
        let (body, tag) = (token(content.len()), token_array());
        out.extend_from_slice(&body);
        out.extend_from_slice(&tag);
        let record = Record {
            place: Place { last, ..self.place },
            body,
            content,
        };
        lock(&self.tables).records.insert(tag, record);
        self.place.index += 1;
    }
}

impl PayloadStream for SealingStream {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        self.waiting.extend_from_slice(input);
        // A full chunk waits until it is known whether it is the last one.
        while self.waiting.len() > CHUNK {
            self.write_record(false, out);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        self.write_record(true, out);
        Ok(())
    }
}
