//! Whether the other end moves octets fast enough while we wait for it.

use std::time::Duration;

/// The other end is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooSlow;

/// Counts octets over a window of waiting. Only time that we wait counts: what we take ourselves is not the peer's fault.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    octets: u64,
    waited: Duration,
}

impl Pace {
    /// How long until it is judged.
    pub(crate) fn left(&self, window: Duration) -> Duration {
        window.saturating_sub(self.waited)
    }

    /// `octets` moved after we had waited for so long. At the end of the window at least `rate` octets a second must have moved,
    /// and one at least.
    pub(crate) fn add(
        &mut self,
        octets: usize,
        waited: Duration,
        window: Duration,
        rate: u64,
    ) -> Result<(), TooSlow> {
        self.octets += octets as u64;
        self.waited += waited;
        if self.waited < window {
            return Ok(());
        }
        let least = rate.saturating_mul(window.as_secs()).max(1);
        let moved = std::mem::take(self).octets;
        if moved < least { Err(TooSlow) } else { Ok(()) }
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);
    const SECOND: Duration = Duration::from_secs(1);

    fn octets_each(pause: Duration, octets: usize, times: u32) -> Result<(), TooSlow> {
        let mut pace = Pace::default();
        (0..times).try_for_each(|_| pace.add(octets, pause, WINDOW, 50))
    }

    #[test]
    fn who_is_slow_but_moves_on_has_all_the_time_of_the_world() {
        // A modem of 2400 bit/s, for a day; and one that is in a tunnel for four of five minutes.
        assert_eq!(octets_each(SECOND, 240, 86_400), Ok(()));
        assert_eq!(octets_each(5 * SECOND, 255, 86_400), Ok(()));
    }

    #[test]
    fn who_only_keeps_a_place_is_found_out_at_the_end_of_the_window() {
        assert_eq!(octets_each(SECOND, 1, 299), Ok(()));
        assert_eq!(octets_each(SECOND, 1, 300), Err(TooSlow));
        assert_eq!(octets_each(SECOND, 49, 300), Err(TooSlow));
    }

    #[test]
    fn what_was_fast_before_does_not_count_for_ever() {
        let mut pace = Pace::default();
        assert_eq!(pace.add(1 << 30, WINDOW, WINDOW, 50), Ok(()));
        assert_eq!(pace.left(WINDOW), WINDOW);
        assert_eq!(pace.add(100, WINDOW, WINDOW, 50), Err(TooSlow));
    }
}
