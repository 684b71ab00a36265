//! The adapters do what every format of sealed files and every message cipher promises.

use std::sync::Arc;

use keystead_age::{AgeMessageCipher, AgeSealedFormat};
use keystead_application::ports::{MessageCipher, SealedFormat};
use keystead_contract::message_cipher::MessageCipherFixture;
use keystead_contract::sealed_format::SealedFormatFixture;
use keystead_contract::{async_trait, message_cipher_contract, sealed_format_contract};

struct AgeFixture;

#[async_trait]
impl SealedFormatFixture for AgeFixture {
    fn format(&self) -> Arc<dyn SealedFormat> {
        Arc::new(AgeSealedFormat)
    }
}

impl MessageCipherFixture for AgeFixture {
    fn cipher(&self) -> Arc<dyn MessageCipher> {
        Arc::new(AgeMessageCipher)
    }

    fn is_age(&self) -> bool {
        true
    }
}

sealed_format_contract!(async { AgeFixture });
message_cipher_contract!(async { AgeFixture });
