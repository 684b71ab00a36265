use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// One promise of a port, as a test.
pub struct Case<F: ?Sized> {
    /// The name, which says what is promised.
    pub name: &'static str,
    /// Whether the backend of this fixture promises it at all.
    pub gate: Gate<F>,
    /// The test.
    pub run: fn(Arc<F>) -> CaseFuture,
}

/// Whether a case applies to a fixture; the error is the reason why it does not.
pub type Gate<F> = fn(&F) -> Result<(), &'static str>;

/// A running case.
pub type CaseFuture = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// How a case ends.
pub type Verdict = Result<(), Violation>;

/// A promise that was not kept.
///
/// Every error turns into one, so that a case can use `?` where a port must succeed. For that reason it is not an error
/// itself.
pub struct Violation(String);

impl Violation {
    /// A violation, in words.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<E: std::error::Error> From<E> for Violation {
    fn from(error: E) -> Self {
        Self(format!("an unexpected error: {error} ({error:?})"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compares what was found with what was expected. Not for secrets: both are shown.
pub(crate) fn equal<T: PartialEq + fmt::Debug>(found: T, expected: T, what: &str) -> Verdict {
    if found == expected {
        Ok(())
    } else {
        Err(Violation(format!(
            "{what}: found {}, expected {}",
            shortened(&found),
            shortened(&expected)
        )))
    }
}

fn shortened(value: &impl fmt::Debug) -> String {
    const MOST: usize = 600;
    let text = format!("{value:?}");
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}

/// Ends the case with a violation unless a condition holds.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err($crate::Violation::new(format!($($words)+)));
        }
    };
}

/// The cases of a module by the names of their functions, each with its gate if it has one.
macro_rules! cases {
    ($($name:ident $(if $gate:path)?),+ $(,)?) => {
        vec![$($crate::Case {
            name: stringify!($name),
            gate: cases!(@gate $($gate)?),
            run: |fixture| Box::pin($name(fixture)),
        }),+]
    };
    (@gate) => { |_| Ok(()) };
    (@gate $gate:path) => { $gate };
}

pub(crate) use {cases, ensure};
