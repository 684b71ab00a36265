use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork};
use keystead_memory::MemoryStore;

use crate::faulty_view::FaultyView;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails without effect, and takes the snapshot or the unit of work with it.
    Fails(StoreErrorKind),
    /// A commit that happens, and whose answer is lost.
    HappensUnanswered,
    /// A commit whose connection is lost while the server is still at it.
    HappensLater,
    /// No answer ever comes.
    Hangs,
}

/// The store in memory, with faults at the calls that a plan names.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    pub(crate) memory: MemoryStore,
    plan: Arc<Mutex<Plan>>,
}

type Meddler = Box<dyn FnOnce(MemoryStore) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

#[derive(Default)]
struct Plan {
    calls: u32,
    faults: BTreeMap<u32, Fault>,
    always_from: Option<(u32, Fault)>,
    meddler: Option<Meddler>,
}

impl FaultyStore {
    pub(crate) fn new(memory: MemoryStore) -> Self {
        Self {
            memory,
            plan: Arc::default(),
        }
    }

    /// Counts the calls from here on, and lets this one fare so.
    pub(crate) fn at_call(&self, call: u32, fault: Fault) {
        let mut plan = self.plan.lock().unwrap();
        *plan = Plan::default();
        plan.faults.insert(call, fault);
    }

    /// One more call that fares so.
    pub(crate) fn and_at_call(&self, call: u32, fault: Fault) {
        self.plan.lock().unwrap().faults.insert(call, fault);
    }

    /// From this call on, every one that the plan does not name otherwise fares so.
    pub(crate) fn and_always_from(&self, call: u32, fault: Fault) {
        self.plan.lock().unwrap().always_from = Some((call, fault));
    }

    /// What somebody else does right after the first fault.
    pub(crate) fn and_somebody<F>(&self, meddler: impl FnOnce(MemoryStore) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.plan.lock().unwrap().meddler = Some(Box::new(|store| Box::pin(meddler(store))));
    }

    pub(crate) fn calls(&self) -> u32 {
        self.plan.lock().unwrap().calls
    }

    /// What the next call will fare.
    pub(crate) fn peek(&self) -> Option<Fault> {
        let plan = self.plan.lock().unwrap();
        let from_here = plan.always_from.filter(|(from, _)| plan.calls >= *from);
        let named = plan.faults.get(&plan.calls).copied();
        named.or(from_here.map(|(_, fault)| fault))
    }

    pub(crate) fn next(&self) -> Option<Fault> {
        let fault = self.peek();
        self.plan.lock().unwrap().calls += 1;
        fault
    }

    pub(crate) async fn meddle(&self) {
        let meddler = self.plan.lock().unwrap().meddler.take();
        if let Some(meddler) = meddler {
            meddler(self.memory.clone()).await;
        }
    }

    /// Whether this call goes on.
    pub(crate) async fn strike(&self) -> Result<(), StoreError> {
        match self.next() {
            None => Ok(()),
            Some(Fault::Fails(kind)) => {
                self.meddle().await;
                Err(error(kind))
            }
            Some(Fault::Hangs) => std::future::pending().await,
            Some(other) => panic!("{other:?} is for commits"),
        }
    }
}

pub(crate) fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "a call", "the test says so")
}

#[async_trait]
impl Store for FaultyStore {
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.strike().await?;
        Ok(Box::new(FaultyView::new(
            self.memory.snapshot().await?,
            self.clone(),
        )))
    }

    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.strike().await?;
        Ok(Box::new(FaultyView::new(
            self.memory.begin().await?,
            self.clone(),
        )))
    }
}
