//! When to renew.

use std::time::{Duration, SystemTime};

use super::LeaseFacts;

/// Never sooner than this: a time in the past makes Terraform call in a hot loop.
const FLOOR: Duration = Duration::from_secs(1);
/// Share of the remaining life after which to renew.
const SHARE: f64 = 2.0 / 3.0;
/// Largest part of the remaining life taken off at random, so that many leases do not renew at once.
const JITTER: f64 = 0.1;
/// Never later than this, so that no arithmetic on times can overflow.
const CEILING: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// When a lease granted or extended `now` should be renewed. `jitter` is in 0..1.
pub(super) fn renew_at(now: SystemTime, facts: &LeaseFacts, jitter: f64) -> Option<SystemTime> {
    let ttl = facts.ttl.filter(|_| facts.renewable)?;
    let share = SHARE - JITTER * jitter.clamp(0.0, 1.0);
    Some(now + ttl.min(CEILING).mul_f64(share).clamp(FLOOR, CEILING))
}

/// When to try again after a failure: half way to the end of the life, `None` when there is no life left
/// to speak of.
pub(super) fn retry_at(now: SystemTime, expires_at: Option<SystemTime>) -> Option<SystemTime> {
    let left = expires_at?.duration_since(now).ok()?;
    let wait = (left / 2).min(CEILING);
    (wait >= FLOOR).then(|| now + wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

    fn renewable(seconds: u64) -> LeaseFacts {
        LeaseFacts {
            ttl: Some(Duration::from_secs(seconds)),
            renewable: true,
            revocable: true,
        }
    }

    fn wait(seconds: u64, jitter: f64) -> Duration {
        renew_at(EPOCH, &renewable(seconds), jitter)
            .unwrap()
            .duration_since(EPOCH)
            .unwrap()
    }

    #[test]
    fn renewal_comes_at_two_thirds_less_jitter() {
        assert_eq!(wait(3600, 0.0), Duration::from_secs(2400));
        assert!(wait(3600, 0.999) > Duration::from_secs(2030));
        assert!(wait(3600, 0.999) < Duration::from_secs(2050));
    }

    #[test]
    fn what_cannot_or_need_not_be_renewed_is_not() {
        assert_eq!(
            renew_at(
                EPOCH,
                &LeaseFacts {
                    renewable: false,
                    ..renewable(60)
                },
                0.0
            ),
            None
        );
        assert_eq!(
            renew_at(
                EPOCH,
                &LeaseFacts {
                    ttl: None,
                    ..renewable(60)
                },
                0.0
            ),
            None
        );
    }

    #[test]
    fn retries_come_ever_sooner_and_end() {
        let at = |seconds| EPOCH + Duration::from_secs(seconds);
        assert_eq!(retry_at(EPOCH, Some(at(60))), Some(at(30)));
        assert_eq!(retry_at(at(30), Some(at(60))), Some(at(45)));
        assert_eq!(retry_at(at(59), Some(at(60))), None);
        assert_eq!(retry_at(at(61), Some(at(60))), None);
        assert_eq!(retry_at(EPOCH, None), None);
    }

    proptest! {
        #[test]
        fn never_in_the_past_and_never_in_a_hot_loop(ttl: u64, nanos in 0..1_000_000_000u32, jitter in 0.0..1.0f64) {
            let facts = LeaseFacts { ttl: Some(Duration::new(ttl, nanos)), ..renewable(0) };
            let at = renew_at(EPOCH, &facts, jitter).unwrap();
            let wait = at.duration_since(EPOCH).unwrap();
            prop_assert!(wait >= FLOOR && wait <= CEILING);
            prop_assert!(ttl < 2 || wait < Duration::new(ttl, nanos), "before the end of the life");
        }
    }
}
