use keystead_domain::Timestamp;

/// Tells the time. A clock may jump in either direction; no rule depends on its order.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}
