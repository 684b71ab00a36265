use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Randomness, RandomnessError, RandomnessExt};

const PREFIX: &str = ".keystead-";
const SUFFIX: &str = ".tmp";
/// What a process of another machine wrote is left over when it was not touched for so long: nobody pauses a backup for a
/// day, and no two clocks differ by one.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// Tells the processes of this machine apart.
pub trait Processes: Send + Sync {
    /// The mark of this process: ASCII letters, digits and hyphens, at most 60. No other process has it, before or after.
    fn mark(&self) -> String;

    /// Whether the process with a mark has ended; `None` when that cannot be told from here, such as when it ran on another
    /// machine.
    fn has_ended(&self, mark: &str) -> Option<bool>;
}

/// The temporary files that this process writes to network shares: their names, and how they go away when a write breaks.
/// Nobody can lock a file on most shares, so the name tells which process writes it:
/// `.keystead-<16 hexadecimal digits>-<mark>.tmp`.
#[derive(Clone)]
pub struct Temporaries(Arc<Inner>);

struct Inner {
    randomness: Arc<dyn Randomness>,
    processes: Arc<dyn Processes>,
    /// What this process gave up and could not remove, because the share could not be reached.
    abandoned: Mutex<HashSet<String>>,
    /// How many removals are under way.
    removals: watch::Sender<usize>,
}

impl Temporaries {
    /// Names by this source of chance, for this process.
    #[must_use]
    pub fn new(randomness: Arc<dyn Randomness>, processes: Arc<dyn Processes>) -> Self {
        Self(Arc::new(Inner {
            randomness,
            processes,
            abandoned: Mutex::default(),
            removals: watch::Sender::new(0),
        }))
    }

    /// A name that no file has yet.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn name(&self) -> Result<String, RandomnessError> {
        let number: [u8; 8] = self.0.randomness.bytes()?;
        let (number, mark) = (u64::from_be_bytes(number), self.0.processes.mark());
        Ok(format!("{PREFIX}{number:016x}-{mark}{SUFFIX}"))
    }

    /// Whether a file of this name was left behind by a broken write, and may be removed. `untouched` says for how long it
    /// was not written to, where that is known.
    #[must_use]
    pub fn is_leftover(&self, name: &str, untouched: Option<Duration>) -> bool {
        let Some(mark) = mark_of(name) else { return false };
        if self.abandoned().contains(name) {
            return true;
        }
        match self.0.processes.has_ended(mark) {
            Some(ended) => ended,
            None => untouched.is_some_and(|time| time > FORGOTTEN),
        }
    }

    /// Takes note that this process gives up a file and could not remove it.
    pub fn abandon(&self, name: &str) {
        self.abandoned().insert(name.to_owned());
    }

    /// Takes note that a file is gone.
    pub fn removed(&self, name: &str) {
        self.abandoned().remove(name);
    }

    /// Removes a temporary file in the background, because its writer was dropped. `removal` says whether it is gone.
    /// Without a runtime it is left to the next cleaning up.
    pub fn remove_later(&self, name: String, removal: impl Future<Output = bool> + Send + 'static) {
        // Until it is gone it counts as given up, whatever happens to the task.
        self.abandon(&name);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let this = self.clone();
        let under_way = UnderWay::begin(&this);
        runtime.spawn(async move {
            if removal.await {
                this.removed(&name);
            }
            drop(under_way);
        });
    }

    /// Waits until every removal in the background has ended.
    pub async fn settled(&self) {
        let mut removals = self.0.removals.subscribe();
        // It cannot fail: the sender lives as long as `self`.
        let _ = removals.wait_for(|under_way| *under_way == 0).await;
    }

    fn abandoned(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.abandoned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one removal, also when its task panics or is cancelled.
struct UnderWay(Temporaries);

impl UnderWay {
    fn begin(temporaries: &Temporaries) -> Self {
        temporaries.0.removals.send_modify(|under_way| *under_way += 1);
        Self(temporaries.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.removals.send_modify(|under_way| *under_way -= 1);
    }
}

/// Whether a name is like those of temporary files, and so is nothing for a file that is to stay.
#[must_use]
pub fn is_temporary_name(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// The mark in the name of a temporary file.
fn mark_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let (number, mark) = rest.split_once('-')?;
    let is_number = number.len() == 16 && number.bytes().all(|b| b.is_ascii_hexdigit());
    let is_mark = !mark.is_empty() && mark.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (is_number && is_mark).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Chance;

    impl Randomness for Chance {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
            buffer.fill(0xab);
            Ok(())
        }
    }

    struct Known;

    impl Processes for Known {
        fn mark(&self) -> String {
            "here-1".to_owned()
        }

        fn has_ended(&self, mark: &str) -> Option<bool> {
            match mark {
                "here-1" => Some(false),
                "here-2" => Some(true),
                _ => None,
            }
        }
    }

    fn temporaries() -> Temporaries {
        Temporaries::new(Arc::new(Chance), Arc::new(Known))
    }

    #[test]
    fn only_what_nobody_writes_is_left_over() {
        let temporaries = temporaries();
        let own = temporaries.name().unwrap();
        assert_eq!(own, ".keystead-abababababababab-here-1.tmp");
        let name = |mark: &str| format!(".keystead-0123456789abcdef-{mark}.tmp");
        let day = Duration::from_secs(24 * 60 * 60);
        assert!(!temporaries.is_leftover(&own, Some(2 * day)));
        assert!(temporaries.is_leftover(&name("here-2"), None));
        assert!(!temporaries.is_leftover(&name("there-2"), None));
        assert!(!temporaries.is_leftover(&name("there-2"), Some(day)));
        assert!(temporaries.is_leftover(&name("there-2"), Some(2 * day)));
        temporaries.abandon(&own);
        assert!(temporaries.is_leftover(&own, None));
        temporaries.removed(&own);
        assert!(!temporaries.is_leftover(&own, None));
    }

    #[test]
    fn the_files_of_others_are_not_left_over() {
        let temporaries = temporaries();
        for name in [
            "keyset-0123456789abcdef.pem",
            ".keystead-0123456789abcdef-here-2.tmp.pem",
            ".keystead-0123456789abcdef-.tmp",
            ".keystead-0123456789abcdef-here 2.tmp",
            ".keystead-0123456789abcdef.tmp",
            ".keystead-0123-here-2.tmp",
        ] {
            assert!(!temporaries.is_leftover(name, Some(Duration::MAX)), "{name}");
        }
    }

    #[tokio::test]
    async fn a_removal_in_the_background_is_waited_for() {
        let temporaries = temporaries();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let name = temporaries.name().unwrap();
        temporaries.remove_later(name.clone(), async move { wait.await.is_ok() });
        assert!(temporaries.is_leftover(&name, None), "not gone yet");
        go.send(()).unwrap();
        temporaries.settled().await;
        assert!(!temporaries.is_leftover(&name, None));
        temporaries.remove_later(name.clone(), async { panic!("the link broke") });
        temporaries.settled().await;
        assert!(
            temporaries.is_leftover(&name, None),
            "it is left to the next cleaning up"
        );
    }
}
