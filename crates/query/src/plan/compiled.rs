//! The place that a plan has for what an engine makes of it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// What an engine made of a plan's shape (its action, and whether it counts), shared by all plans of that shape. Values are no part of
/// it. Made when it is first needed, by the engine that needs it.
#[derive(Clone, Default)]
pub struct Compiled(Arc<OnceLock<Arc<dyn Any + Send + Sync>>>);

impl Compiled {
    /// What is there already, else what `make` gives. Where another engine has put something of its own there, it stays.
    pub fn get_or_make<T: Any + Send + Sync, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(Ok(made)) = self.0.get().map(|made| made.clone().downcast::<T>()) {
            return Ok(made);
        }
        let made = Arc::new(make()?);
        // Two at once make the same; either may stay.
        let _ = self.0.set(made.clone());
        Ok(made)
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_for_each_engine() {
        let compiled = Compiled::default();
        let made = |n: u32| compiled.clone().get_or_make(|| Ok::<u32, ()>(n)).map(|n| *n);
        assert_eq!(Compiled::default().get_or_make(|| Err::<u32, &str>("not possible")), Err("not possible"));
        assert_eq!((made(1), made(2)), (Ok(1), Ok(1)));
        assert_eq!(compiled.get_or_make(|| Ok::<&str, ()>("another")), Ok(Arc::new("another")));
        assert_eq!(made(3), Ok(1));
    }
}
