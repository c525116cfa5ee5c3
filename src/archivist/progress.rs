//! Progress: how the acts say how far they are, without knowing who listens.

/// Somebody who may want to know how far an act is.
pub trait Progress: Send + Sync {
    /// Begins an act of `total` steps, when their number is known.
    fn begin(&self, act: &str, total: Option<u64>) -> Box<dyn Act>;
}

/// An act that is under way; dropping it ends it.
pub trait Act: Send + Sync {
    /// Says that `steps` more are done.
    fn advance(&self, steps: u64);
}

/// Nobody listens.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _act: &str, _total: Option<u64>) -> Box<dyn Act> {
        Box::new(Self)
    }
}

impl Act for Silent {
    fn advance(&self, _steps: u64) {}
}
