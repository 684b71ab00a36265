use std::time::Duration;

use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(60);

/// Something that may happen a thousand times in a second, and is said once in a minute.
#[derive(Default)]
pub(crate) struct Seldom {
    said: Option<Instant>,
    times: u64,
}

impl Seldom {
    /// It has happened: how many times since it was said last, when it is to be said now.
    pub(crate) fn says(&mut self) -> Option<u64> {
        self.times += 1;
        let is_due = self.said.is_none_or(|said| said.elapsed() >= PAUSE);
        is_due.then(|| {
            self.said = Some(Instant::now());
            std::mem::take(&mut self.times)
        })
    }
}
