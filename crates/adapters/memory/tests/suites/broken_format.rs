//! Formats of sealed files that break a promise each.

mod streams;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keystead_application::ports::{
    HeaderPlan, ParsedHeader, PayloadStream, SealedFormat, SealedFormatError, SealedHeader,
};
use keystead_contract::sealed_format::SealedFormatFixture;
use keystead_domain::{Argon2Cost, FileKey, Passphrase, PasswordSlot};
use keystead_memory::MemorySealedFormat;

use self::streams::{BrokenOpening, BrokenSealing};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    DoesNotVerifyTheCode,
    VerifiesWithAnyKey,
    DropsHints,
    MixesUpFingerprints,
    CountsOneByteMore,
    AlwaysWantsMore,
    RefusesBeginnings,
    TakesAnyPassword,
    ComputesAnyCost,
    LetsUnauthenticatedBytesOut,
    TakesCutsForEnds,
    ShowsTheContent,
    IgnoresTheNonce,
    HoldsEverythingBack,
    KnowsNoPadding,
    StripsEveryZero,
    IgnoresWhatFollows,
    LosesTheEnd,
}

#[derive(Clone)]
struct BrokenFormat {
    inner: MemorySealedFormat,
    fault: Fault,
    wrapped: Arc<Mutex<HashMap<[u8; 32], [u8; 16]>>>,
}

struct BrokenFixture(BrokenFormat);

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        Self(BrokenFormat {
            inner: MemorySealedFormat::new(),
            fault,
            wrapped: Arc::default(),
        })
    }
}

impl SealedFormatFixture for BrokenFixture {
    fn format(&self) -> Arc<dyn SealedFormat> {
        Arc::new(self.0.clone())
    }
}

caught! { sealed_format, BrokenFixture;
    a_code_that_is_not_verified: DoesNotVerifyTheCode => "a_changed_header_is_noticed";
    a_key_that_does_not_matter: VerifiesWithAnyKey => "another_file_key_does_not_verify";
    dropped_hints: DropsHints => "a_header_is_read_as_it_was_written";
    mixed_up_fingerprints: MixesUpFingerprints => "a_header_is_read_as_it_was_written";
    a_header_that_is_a_byte_longer: CountsOneByteMore => "the_payload_is_not_part_of_the_header";
    a_header_that_never_ends: AlwaysWantsMore => "a_header_without_an_end_is_refused";
    a_letter_taken_for_a_beginning: AlwaysWantsMore => "what_is_no_sealed_file_is_refused";
    a_beginning_that_is_refused: RefusesBeginnings => "every_beginning_of_a_header_needs_more";
    any_password: TakesAnyPassword => "another_password_does_not_unwrap";
    any_cost: ComputesAnyCost => "a_cost_out_of_bounds_is_not_computed";
    unauthenticated_bytes: LetsUnauthenticatedBytesOut => "a_flipped_bit_is_noticed";
    a_cut_that_is_not_noticed: TakesCutsForEnds => "a_cut_payload_is_noticed";
    a_cut_behind_padding: TakesCutsForEnds => "padding_does_not_hide_a_cut";
    content_that_shows: ShowsTheContent => "the_sealed_bytes_do_not_show_the_content";
    a_nonce_that_is_not_used: IgnoresTheNonce => "the_nonce_comes_first";
    bytes_that_are_held_back: HoldsEverythingBack => "bytes_flow_while_they_come";
    padding_that_is_not_known: KnowsNoPadding => "padding_of_any_length_is_passed_over";
    zeros_that_belong_to_the_tag: StripsEveryZero => "a_tag_that_ends_in_zero_bytes_keeps_them";
    bytes_behind_the_padding: IgnoresWhatFollows => "something_behind_the_padding_is_noticed";
    a_lost_end: LosesTheEnd => "what_was_sealed_is_opened";
}

impl SealedFormat for BrokenFormat {
    fn keyset_label(&self) -> &'static [u8] {
        self.inner.keyset_label()
    }

    fn write_header(&self, plan: &HeaderPlan, file_key: &FileKey) -> Result<Vec<u8>, SealedFormatError> {
        let mut plan = plan.clone();
        match (self.fault, &mut plan.password) {
            (Fault::DropsHints, Some(slot)) => slot.hint = None,
            (Fault::MixesUpFingerprints, _) => plan.info.fingerprints.reverse(),
            _ => {}
        }
        self.inner.write_header(&plan, file_key)
    }

    fn is_armored(&self, beginning: &[u8]) -> Option<bool> {
        self.inner.is_armored(beginning)
    }

    fn dearmor(&self) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        self.inner.dearmor()
    }

    fn parse_header(&self, bytes: &[u8]) -> Result<ParsedHeader, SealedFormatError> {
        match (self.fault, self.inner.parse_header(bytes)) {
            (Fault::AlwaysWantsMore, Err(_)) => Ok(ParsedHeader::NeedsMore),
            (Fault::RefusesBeginnings, Ok(ParsedHeader::NeedsMore)) => {
                Err(SealedFormatError::HeaderDamaged("it is short".to_owned()))
            }
            (Fault::CountsOneByteMore, Ok(ParsedHeader::Complete { header, len })) => {
                let len = bytes.len().min(len + 1);
                Ok(ParsedHeader::Complete { header, len })
            }
            (_, result) => result,
        }
    }

    fn verify_header(&self, header: &SealedHeader, file_key: &FileKey) -> Result<(), SealedFormatError> {
        match self.fault {
            Fault::DoesNotVerifyTheCode => Ok(()),
            Fault::VerifiesWithAnyKey => {
                let known = (0..4).map(keystead_contract::samples::file_key);
                known
                    .map(|key| self.inner.verify_header(header, &key))
                    .find(Result::is_ok)
                    .unwrap_or(Err(SealedFormatError::HeaderChanged))
            }
            _ => self.inner.verify_header(header, file_key),
        }
    }

    fn wrap_with_password(
        &self,
        slot: PasswordSlot,
        password: &Passphrase,
        file_key: &FileKey,
    ) -> Result<PasswordSlot, SealedFormatError> {
        let cost = slot.cost;
        let computed = PasswordSlot {
            cost: self.cost(cost),
            ..slot
        };
        let wrapped = self.inner.wrap_with_password(computed, password, file_key)?;
        self.wrapped
            .lock()
            .unwrap()
            .insert(wrapped.wrapped, *file_key.expose());
        Ok(PasswordSlot { cost, ..wrapped })
    }

    fn unwrap_with_password(
        &self,
        slot: &PasswordSlot,
        password: &Passphrase,
    ) -> Result<FileKey, SealedFormatError> {
        let known = self.wrapped.lock().unwrap().get(&slot.wrapped).copied();
        match known {
            Some(file_key) if self.fault == Fault::TakesAnyPassword => Ok(FileKey::new(file_key.into())),
            _ => {
                let cost = self.cost(slot.cost);
                self.inner
                    .unwrap_with_password(&PasswordSlot { cost, ..slot.clone() }, password)
            }
        }
    }

    fn seal_payload(
        &self,
        file_key: &FileKey,
        nonce: [u8; 16],
    ) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        let nonce = if self.fault == Fault::IgnoresTheNonce {
            [0; 16]
        } else {
            nonce
        };
        let inner = self.inner.seal_payload(file_key, nonce)?;
        Ok(Box::new(BrokenSealing::new(inner, self.fault)))
    }

    fn open_payload(&self, file_key: &FileKey) -> Result<Box<dyn PayloadStream>, SealedFormatError> {
        let copy = FileKey::new((*file_key.expose()).into());
        Ok(Box::new(BrokenOpening::new(
            self.inner.clone(),
            copy,
            self.fault,
        )?))
    }
}

impl BrokenFormat {
    fn cost(&self, cost: Argon2Cost) -> Argon2Cost {
        match self.fault {
            Fault::ComputesAnyCost => cost.check().unwrap_or(Argon2Cost::DEFAULT),
            _ => cost,
        }
    }
}
