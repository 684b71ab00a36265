use std::future::Future;
use std::sync::Arc;

use keystead_application::ports::{Randomness, StoreError};

use crate::RetryOptions;
use crate::patience::{Attempts, Patience};

/// Makes a call that is whole in itself, such as opening a store, and makes it again as long as it fails in a way that
/// passes.
///
/// # Errors
/// The failure of the last attempt, or the first one that does not pass.
pub async fn retried<T, F: Future<Output = Result<T, StoreError>>>(
    options: &RetryOptions,
    randomness: &Arc<dyn Randomness>,
    call: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let patience = Patience::new(options.clone(), Arc::clone(randomness));
    Attempts::new(&Arc::new(patience)).make(call).await
}
