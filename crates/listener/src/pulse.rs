use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Instant;

use crate::Limits;
use crate::crowd::Crowd;

/// How long a client may take to notice that a connection on which nothing is asked is to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a connection is doing, for those who decide whether it may go on: the connection itself, its requests, and the
/// crowd of all connections.
///
/// A connection waits when no request is under way on it and all that was to be sent is sent. Only then does it have to be
/// quick with its next request, and only then may it have to give way to another one.
pub(crate) struct Pulse {
    crowd: Arc<Crowd>,
    state: Mutex<State>,
    /// Somebody else than the connection changed the state.
    changed: Notify,
    /// The connection's place among those that are allowed, until also its last request is gone.
    _slot: OwnedSemaphorePermit,
}

struct State {
    speaks: Speaks,
    requests: usize,
    /// The responses of which a part is on the way and the next is not asked for, and since when.
    unread: HashMap<u64, Instant>,
    /// What numbers them.
    responses: u64,
    /// Whether the system takes no more bytes for the client.
    is_write_blocked: bool,
    waiting_since: Instant,
    /// When the first byte of a request came, while its headers are not complete.
    head_since: Option<Instant>,
    /// How many requests were taken back before they were answered, less those that were waited for.
    taken_back: usize,
    orders: Orders,
    /// When the connection was told to finish.
    finishes_since: Option<Instant>,
}

/// What the connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// TLS, whose beginning has a time limit of its own.
    Handshake,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What the connection was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Orders {
    None,
    /// To end when the requests that are under way are answered.
    Finish,
    /// To end at once.
    Leave,
}

/// What a connection does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on, and looks again then.
    GoOn(Instant),
    /// It takes no new requests, and looks again then.
    Finish(Instant),
    /// It ends.
    Leave(&'static str),
}

/// A request that is under way, until it is dropped.
pub(crate) struct UnderWay {
    pulse: Arc<Pulse>,
    number: u64,
    is_answered: bool,
}

impl Pulse {
    pub(crate) fn new(crowd: Arc<Crowd>, slot: OwnedSemaphorePermit) -> Arc<Self> {
        Arc::new(Self {
            crowd,
            state: Mutex::new(State {
                speaks: Speaks::Handshake,
                requests: 0,
                unread: HashMap::new(),
                responses: 0,
                is_write_blocked: false,
                waiting_since: Instant::now(),
                head_since: None,
                taken_back: 0,
                orders: Orders::None,
                finishes_since: None,
            }),
            changed: Notify::new(),
            _slot: slot,
        })
    }

    /// TLS stands, and this is spoken now.
    pub(crate) fn speaks(&self, speaks: Speaks) {
        let mut state = self.state();
        state.speaks = speaks;
        state.waiting_since = Instant::now();
    }

    /// A request has come with all its headers; `None` when the connection is to end, and the request comes too late.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<UnderWay> {
        let mut state = self.state();
        if state.orders == Orders::Leave {
            return None;
        }
        if state.requests == 0 {
            // The connection has to look again sooner than when it waits.
            self.changed.notify_one();
        }
        state.requests += 1;
        state.head_since = None;
        state.responses += 1;
        Some(UnderWay {
            pulse: Arc::clone(self),
            number: state.responses,
            is_answered: false,
        })
    }

    /// Bytes came.
    pub(crate) fn bytes_came(&self) {
        let mut state = self.state();
        if state.speaks == Speaks::Http1 && state.requests == 0 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// Whether the system takes no more bytes for the client, after it did or did not.
    pub(crate) fn write_blocked(&self, is_blocked: bool) {
        let mut state = self.state();
        state.is_write_blocked = is_blocked;
        if !is_blocked {
            self.perhaps_waits(&mut state);
        }
    }

    /// Since when the connection waits, if it does.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        let state = self.state();
        state.waits().then_some(state.waiting_since)
    }

    /// Ends the connection if it waits, and says whether it does. No request begins on it any more.
    pub(crate) fn give_way(&self) -> bool {
        let mut state = self.state();
        let waits = state.waits();
        if waits {
            state.orders = Orders::Leave;
            self.changed.notify_one();
        }
        waits
    }

    /// Ends the connection when the requests that are under way are answered.
    pub(crate) fn finish(&self) {
        self.state().finishes_since = Some(Instant::now());
        self.order(Orders::Finish);
    }

    /// Ends the connection and what is under way on it.
    pub(crate) fn cut(&self) {
        self.order(Orders::Leave);
    }

    fn order(&self, orders: Orders) {
        let mut state = self.state();
        state.orders = state.orders.max(orders);
        self.changed.notify_one();
    }

    /// Waits for somebody else to change something.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until the connection has to end before it has begun to speak HTTP.
    pub(crate) async fn ends(&self) {
        while self.state().orders == Orders::None {
            self.changed().await;
        }
    }

    /// What the connection does next.
    pub(crate) fn step(&self, limits: &Limits) -> Step {
        let state = self.state();
        let now = Instant::now();
        if state.orders == Orders::Leave {
            return Step::Leave("it had to give way");
        }
        if state.speaks == Speaks::Http2 && state.taken_back > limits.http2_resets {
            return Step::Leave("it takes requests back all the time");
        }
        let (until, why) = state.deadline(limits, now);
        match (until > now, state.orders) {
            (false, _) => Step::Leave(why),
            (true, Orders::Finish) => Step::Finish(until),
            (true, _) => Step::GoOn(until),
        }
    }

    fn perhaps_waits(&self, state: &mut State) {
        if state.waits() {
            state.waiting_since = Instant::now();
            state.head_since = None;
            self.changed.notify_one();
            self.crowd.somebody_waits();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waits(&self) -> bool {
        self.requests == 0 && !self.is_write_blocked && self.orders != Orders::Leave
    }

    /// Until when the connection may go on like this, and what is wrong when it does not end by then.
    fn deadline(&self, limits: &Limits, now: Instant) -> (Instant, &'static str) {
        if !self.waits() {
            // Nobody tells when a response is left unread, because that would be told for each part of each response.
            let look_again = now + limits.write_timeout / 4;
            let first = self.unread.values().min().copied();
            let until = first.map_or(look_again, |since| look_again.min(since + limits.write_timeout));
            return (until, "the client does not read its response");
        }
        match (self.head_since, self.finishes_since) {
            (Some(since), _) => (
                since + limits.header_timeout,
                "the headers of a request took too long",
            ),
            (None, Some(since)) => (since.max(self.waiting_since) + FAREWELL, "this process is to end"),
            (None, None) => (
                self.waiting_since + limits.idle_timeout,
                "nothing was asked for a long time",
            ),
        }
    }
}

impl UnderWay {
    /// The service has answered.
    pub(crate) fn answered(&mut self) {
        self.is_answered = true;
    }

    /// A part of the response was handed over to be sent. As long as no more is asked for, the client does not read.
    pub(crate) fn handed_over(&self) {
        self.pulse.state().unread.insert(self.number, Instant::now());
    }

    /// More of the response is asked for.
    pub(crate) fn asked_for_more(&self) {
        self.pulse.state().unread.remove(&self.number);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.pulse.state();
        state.requests -= 1;
        state.unread.remove(&self.number);
        match self.is_answered {
            true => state.taken_back = state.taken_back.saturating_sub(1),
            false => {
                state.taken_back += 1;
                self.pulse.changed.notify_one();
            }
        }
        self.pulse.perhaps_waits(&mut state);
    }
}
