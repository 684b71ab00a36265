//! With the decorators around it, a store keeps every promise that it kept without them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keystead_application::ports::Store;
use keystead_contract::async_trait;
use keystead_contract::store::{FreshStore, StoreFixture};
use keystead_memory::{MemoryRandomness, MemoryStore};
use keystead_retry::{RetryOptions, RetryingStore, TimedStore};

#[derive(Default)]
struct Decorated {
    places: Mutex<HashMap<String, MemoryStore>>,
}

fn decorated(store: MemoryStore) -> Arc<dyn Store> {
    let timed = TimedStore::new(Arc::new(store), limits(Duration::from_secs(60)));
    Arc::new(RetryingStore::new(
        Arc::new(timed),
        RetryOptions::default(),
        Arc::new(MemoryRandomness::default()),
    ))
}

#[async_trait]
impl StoreFixture for Decorated {
    async fn store(&self) -> FreshStore {
        let mut places = self.places.lock().unwrap();
        let (store, place) = (MemoryStore::new(), places.len().to_string());
        places.insert(place.clone(), store.clone());
        FreshStore {
            store: decorated(store),
            place,
        }
    }

    fn can_reopen(&self) -> bool {
        true
    }

    async fn reopen(&self, place: &str) -> Arc<dyn Store> {
        decorated(self.places.lock().unwrap()[place].clone())
    }
}

keystead_contract::store_contract!(async { Decorated::default() });

fn limits(limit: Duration) -> keystead_retry::TimeLimits {
    keystead_retry::TimeLimits {
        call: limit,
        whole_table: limit,
    }
}
