//! A token is what every place for a master key has to be.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keystead_application::ports::MasterKeyProvider;
use keystead_contract::master_key::{MasterKeyFixture, suite};
use support::{Pin, SoftHsm, provider, with_softhsm};

/// Each label is a place of its own.
struct Labels {
    softhsm: SoftHsm,
    made: AtomicUsize,
}

#[keystead_contract::async_trait]
impl MasterKeyFixture for Labels {
    async fn provider(&self) -> Arc<dyn MasterKeyProvider> {
        let mut options = self.softhsm.options(&Pin::right());
        options.key_label = format!("key {}", self.made.fetch_add(1, Ordering::Relaxed));
        Arc::new(provider(options))
    }

    fn knows_the_current_key(&self) -> bool {
        false
    }
}

/// By hand, because the macro leaves no room for the process that the test needs.
#[test]
fn master_key_contract() {
    with_softhsm("master_key_contract", |softhsm| {
        let fixture = Arc::new(Labels {
            softhsm,
            made: AtomicUsize::new(0),
        });
        let report = keystead_contract::block_on(suite().run(fixture));
        report.into_result().unwrap();
    });
}
