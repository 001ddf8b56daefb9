//! A text that is made when it is first read.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A text that most requests never read. It is made at the first use, and the same from then on.
#[derive(Clone)]
pub struct Deferred {
    text: OnceLock<String>,
    make: Option<Arc<dyn Fn() -> String + Send + Sync>>,
}

impl Deferred {
    /// A text that is made by this when it is needed.
    pub fn new(make: impl Fn() -> String + Send + Sync + 'static) -> Deferred {
        Deferred { text: OnceLock::new(), make: Some(Arc::new(make)) }
    }
}

impl Deref for Deferred {
    type Target = str;

    fn deref(&self) -> &str {
        self.text.get_or_init(|| self.make.as_ref().map(|make| make()).unwrap_or_default())
    }
}

impl From<&str> for Deferred {
    fn from(text: &str) -> Deferred {
        Deferred { text: OnceLock::from(text.to_owned()), make: None }
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn made_once_and_only_when_read() {
        let made = Arc::new(AtomicU32::new(0));
        let counted = made.clone();
        let text =
            Deferred::new(move || format!("made {} times", counted.fetch_add(1, Ordering::Relaxed) + 1));
        assert_eq!(made.load(Ordering::Relaxed), 0);
        assert_eq!((&*text, &*text), ("made 1 times", "made 1 times"));
        assert_eq!(&*Deferred::from("given"), "given");
    }
}
