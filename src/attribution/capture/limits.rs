use std::{net::IpAddr, time::Duration};

use crate::address_limit::{AddressLimit, Limited};

/// New visitors of one address. Each new visitor is a row, so the limit keeps one address from filling the disk. The people who
/// share an address stay below the limit.
#[derive(Clone, Copy, Debug)]
struct NewVisitors;

impl Limited for NewVisitors {
    const MOST: u32 = 1_000;
    const WINDOW: Duration = Duration::from_secs(10 * 60);
}

/// Touches of one address, also of known visitors. A repeat is a write too, and a touch has up to 8 KiB.
#[derive(Clone, Copy, Debug)]
struct Touches;

impl Limited for Touches {
    const MOST: u32 = 2_000;
    const WINDOW: Duration = Duration::from_secs(10 * 60);
}

/// Touches of one address in a day: a flood that stays just below the limit of ten minutes ends here.
#[derive(Clone, Copy, Debug)]
struct TouchesOfDay;

impl Limited for TouchesOfDay {
    const MOST: u32 = 50_000;
    const WINDOW: Duration = Duration::from_hours(24);
}

/// What a request wants to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    pub new_visitor: bool,
    pub touches: usize,
}

/// How much each address may store. Clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct CaptureLimits {
    new_visitors: AddressLimit<NewVisitors>,
    touches: AddressLimit<Touches>,
    touches_of_day: AddressLimit<TouchesOfDay>,
}

impl CaptureLimits {
    /// Counts what a request wants to store and returns `true`. Returns `false` if the address is over a limit.
    pub fn admits(&self, address: IpAddr, demand: Demand) -> bool {
        let touches =
            || (0..demand.touches).all(|_| self.touches.admits(address) && self.touches_of_day.admits(address));
        touches() && (!demand.new_visitor || self.new_visitors.admits(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_visitors_have_a_share_too() {
        let (limits, address) = (CaptureLimits::default(), IpAddr::from([198, 51, 100, 7]));
        let known = Demand { new_visitor: false, touches: 20 };
        assert_eq!((0..200).filter(|_| limits.admits(address, known)).count(), 100);
        assert!(!limits.admits(address, Demand { new_visitor: true, touches: 1 }));
        let other = IpAddr::from([198, 51, 100, 8]);
        let new = Demand { new_visitor: true, touches: 1 };
        assert_eq!((0..1500).filter(|_| limits.admits(other, new)).count(), 1000);
        assert!(limits.admits(other, known), "visitors who are there may come back");
    }
}
