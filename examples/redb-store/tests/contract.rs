//! The store keeps the promises of the port: one macro call, and what it needs to come by fresh stores.

#![allow(clippy::unwrap_used, reason = "this is a test")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use keystead_application::ports::Store;
use keystead_contract::async_trait;
use keystead_contract::store::{FreshStore, StoreFixture};
use keystead_redb_store::RedbStore;

struct Folder {
    folder: tempfile::TempDir,
    open: Mutex<HashMap<String, Weak<RedbStore>>>,
}

impl Folder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            open: Mutex::default(),
        }
    }

    fn open(&self, place: &str) -> Arc<RedbStore> {
        let mut open = self.open.lock().unwrap();
        // The file is locked while it is open, so a second handle is a clone of the first; after that, it is opened anew.
        let store = match open.get(place).and_then(Weak::upgrade) {
            Some(first) => Arc::new(RedbStore::clone(&first)),
            None => Arc::new(RedbStore::open(&self.folder.path().join(place)).unwrap()),
        };
        open.entry(place.to_owned())
            .or_insert_with(|| Arc::downgrade(&store));
        store
    }
}

#[async_trait]
impl StoreFixture for Folder {
    async fn store(&self) -> FreshStore {
        let place = format!("store-{}.redb", self.open.lock().unwrap().len());
        FreshStore {
            store: self.open(&place),
            place,
        }
    }

    fn can_reopen(&self) -> bool {
        true
    }

    async fn reopen(&self, place: &str) -> Arc<dyn Store> {
        self.open(place)
    }
}

keystead_contract::store_contract!(async { Folder::new() });
