use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{Randomness, Store, StoreErrorKind};
use keystead_memory::MemoryRandomness;
use keystead_retry::{RetryOptions, retried};
use tokio::time::Instant;

use crate::faults::{Fault, error};
use crate::steps::{create, created, prepared, retrying, with_options};

#[tokio::test(start_paused = true)]
async fn it_is_tried_until_the_time_is_over_and_then_said_so() {
    for call in [0, 2, 4] {
        let store = prepared().await;
        store.at_call(u32::MAX, Fault::Hangs);
        store.and_always_from(call, Fault::Fails(StoreErrorKind::Disconnected));
        let begun = Instant::now();
        let error = create(&retrying(&store), 3).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Disconnected);
        assert!(error.to_string().contains("the test says so (tried "), "{error}");
        assert!(error.to_string().contains("within 30"), "{error}");
        let waited = begun.elapsed();
        assert!(
            waited >= Duration::from_secs(30) && waited < Duration::from_secs(31),
            "{waited:?}"
        );
        // Six pauses up to the longest one, and then one every three seconds at the most, two and a bit at the least.
        assert!((10..40).contains(&store.calls()), "{}", store.calls());
        assert_eq!(created(&store.memory, 3).await, (0, false));
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_are_uneven() {
    let options = RetryOptions {
        give_up_after: Duration::from_secs(3_600),
        first_pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(10),
        ..RetryOptions::default()
    };
    let mut totals = Vec::new();
    for failures in 1..=12 {
        let store = prepared().await;
        store.at_call(0, Fault::Fails(StoreErrorKind::Undone));
        for call in 0..failures {
            store.and_at_call(call, Fault::Fails(StoreErrorKind::Undone));
        }
        let begun = Instant::now();
        drop(with_options(&store, options.clone()).begin().await.unwrap());
        totals.push(begun.elapsed());
    }
    let pauses: Vec<_> = totals.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (doubled, pause) in (1..).zip(&pauses) {
        let most = Duration::from_millis(100 << doubled).min(Duration::from_secs(10));
        assert!(*pause >= most / 2 - Duration::from_millis(2), "{pauses:?}");
        assert!(*pause <= most + Duration::from_millis(2), "{pauses:?}");
    }
    let last = &pauses[pauses.len() - 3..];
    assert!(last.windows(2).all(|pair| pair[0] != pair[1]), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_none_of_the_ports_calls_is_retried_too() {
    let randomness: Arc<dyn Randomness> = Arc::new(MemoryRandomness::default());
    let mut answers = [
        Err(error(StoreErrorKind::Disconnected)),
        Err(error(StoreErrorKind::Undone)),
        Ok("connected"),
    ]
    .into_iter();
    let options = RetryOptions::default();
    let connected = retried(&options, &randomness, || {
        std::future::ready(answers.next().unwrap())
    })
    .await;
    assert_eq!(connected.unwrap(), "connected");

    let mut answers = [Err(error(StoreErrorKind::NotMigrated)), Ok(())].into_iter();
    let refused = retried(&options, &randomness, || {
        std::future::ready(answers.next().unwrap())
    })
    .await;
    assert_eq!(refused.unwrap_err().kind, StoreErrorKind::NotMigrated);
    assert_eq!(answers.count(), 1);
}
