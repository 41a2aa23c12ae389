//! Time and chance, injected so that tests decide both.

use std::time::SystemTime;

/// Where the life cycle gets time and chance from.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> SystemTime;

    /// A random number from 0 up to, but without, 1.
    fn jitter(&self) -> f64;
}

/// The time and chance of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn jitter(&self) -> f64 {
        rand::random()
    }
}
