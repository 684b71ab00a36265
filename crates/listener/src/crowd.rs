use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::pulse::Pulse;

/// When room is needed, this part of the connections gives way at once, so that finding those that wait the longest is not
/// done for every one that comes.
const GIVING_WAY: usize = 64;

/// All connections.
///
/// When there are as many as are allowed, the ones that have waited the longest for something to do give way to new ones.
/// So connections that do nothing, however many, keep nobody out, and what is under way is never broken off. When something
/// is under way on all, new ones wait at the operating system until it is over.
pub(crate) struct Crowd {
    connections: usize,
    per_origin: Option<usize>,
    slots: Arc<Semaphore>,
    members: Mutex<Members>,
    /// A connection has become one that waits.
    waits: Notify,
}

#[derive(Default)]
struct Members {
    of: HashMap<Origin, HashMap<u64, Arc<Pulse>>>,
    last: u64,
}

/// Who is counted as one: an IPv4 address, or an IPv6 network, of which one machine has all the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Origin(IpAddr);

/// A connection's place in the crowd, which it leaves when this is dropped.
pub(crate) struct Place {
    pub(crate) pulse: Arc<Pulse>,
    crowd: Arc<Crowd>,
    origin: Origin,
    number: u64,
}

impl Crowd {
    pub(crate) fn new(connections: usize, per_address: Option<usize>) -> Arc<Self> {
        Arc::new(Self {
            connections,
            per_origin: per_address,
            slots: Arc::new(Semaphore::new(connections)),
            members: Mutex::default(),
            waits: Notify::new(),
        })
    }

    /// Makes room for a connection from there, as soon as there can be some; `None` when its address has all connections
    /// that it may have, and something is under way on each.
    pub(crate) async fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let origin = Origin::of(address);
        if !self.has_room_for(origin) {
            return None;
        }
        let slot = self.slot().await?;
        let pulse = Pulse::new(Arc::clone(self), slot);
        let mut members = self.members();
        members.last += 1;
        let number = members.last;
        members
            .of
            .entry(origin)
            .or_default()
            .insert(number, Arc::clone(&pulse));
        Some(Place {
            pulse,
            crowd: Arc::clone(self),
            origin,
            number,
        })
    }

    /// Lets the ones that have waited the longest go, and says whether there were any.
    pub(crate) fn give_way(&self) -> bool {
        self.members().give_way(None)
    }

    /// A connection has become one that waits.
    pub(crate) fn somebody_waits(&self) {
        self.waits.notify_one();
    }

    /// Lets all connections end when what is under way on them is over.
    pub(crate) fn finish(&self) {
        self.members().each(Pulse::finish);
    }

    /// Ends all connections and what is under way on them.
    pub(crate) fn cut(&self) {
        self.members().each(Pulse::cut);
    }

    /// Waits until nobody is left.
    pub(crate) async fn gone(&self) {
        // As many as there can be fit into this number: a crowd has at most that many places.
        let all = u32::try_from(self.connections).unwrap_or(u32::MAX);
        let _ = self.slots.acquire_many(all).await;
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.connections - self.slots.available_permits()
    }

    fn has_room_for(&self, origin: Origin) -> bool {
        let mut members = self.members();
        let there = members.of.get(&origin).map_or(0, HashMap::len);
        self.per_origin.is_none_or(|most| there < most) || members.give_way(Some(origin))
    }

    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            let slot = Arc::clone(&self.slots);
            if let Ok(slot) = Arc::clone(&slot).try_acquire_owned() {
                return Some(slot);
            }
            if self.give_way() {
                return slot.acquire_owned().await.ok();
            }
            tokio::select! {
                slot = slot.acquire_owned() => return slot.ok(),
                () = self.waits.notified() => {}
            }
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn each(&self, tell: fn(&Pulse)) {
        self.of
            .values()
            .flat_map(HashMap::values)
            .for_each(|pulse| tell(pulse));
    }

    fn give_way(&mut self, of: Option<Origin>) -> bool {
        let mut waiting: Vec<(Instant, Origin, u64)> = Vec::new();
        let mut there = 0;
        for (origin, members) in self
            .of
            .iter()
            .filter(|(origin, _)| of.is_none_or(|of| of == **origin))
        {
            there += members.len();
            let since = members
                .iter()
                .map(|(number, pulse)| (pulse.waiting_since(), *number));
            waiting.extend(since.filter_map(|(since, number)| Some((since?, *origin, number))));
        }
        let wanted = (there / GIVING_WAY).max(1);
        if waiting.len() > wanted {
            waiting.select_nth_unstable_by_key(wanted, |(since, ..)| *since);
            waiting.truncate(wanted);
        }
        let mut gone = 0;
        for (_, origin, number) in waiting {
            let pulse = self.of.get(&origin).and_then(|members| members.get(&number));
            if pulse.is_some_and(|pulse| pulse.give_way()) {
                self.remove(origin, number);
                gone += 1;
            }
        }
        if gone > 0 {
            tracing::debug!(gone, "connections that nothing was asked on gave way to new ones");
        }
        gone > 0
    }

    fn remove(&mut self, origin: Origin, number: u64) {
        if let Some(members) = self.of.get_mut(&origin) {
            members.remove(&number);
            if members.is_empty() {
                self.of.remove(&origin);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.members().remove(self.origin, self.number);
    }
}

impl Origin {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 => Self(v4),
        }
    }
}
