//! Both engines do what every RSA engine promises.

mod common;

use std::sync::Arc;

use keystead_application::ports::RsaEngine;
use keystead_contract::rsa_engine::RsaEngineFixture;
use keystead_contract::{async_trait, rsa_engine_contract};

struct AwsLc;
struct Pure;

#[async_trait]
impl RsaEngineFixture for AwsLc {
    async fn engine(&self) -> Arc<dyn RsaEngine> {
        Arc::new(common::aws_lc())
    }
}

#[async_trait]
impl RsaEngineFixture for Pure {
    async fn engine(&self) -> Arc<dyn RsaEngine> {
        Arc::new(common::pure())
    }
}

rsa_engine_contract!(aws_lc, async { AwsLc });
rsa_engine_contract!(pure, async { Pure });
