//! The format does what every format of sealed files promises.

use std::sync::Arc;

use keystead_age::AgeSealedFormat;
use keystead_application::ports::SealedFormat;
use keystead_contract::sealed_format::SealedFormatFixture;
use keystead_contract::{async_trait, sealed_format_contract};

struct AgeFixture;

#[async_trait]
impl SealedFormatFixture for AgeFixture {
    fn format(&self) -> Arc<dyn SealedFormat> {
        Arc::new(AgeSealedFormat)
    }
}

sealed_format_contract!(async { AgeFixture });
