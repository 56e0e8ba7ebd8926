//! One look at this machine: what a probe saw, its rows, and how long that took. Made outside,
//! where looking is done, so that nothing of it weighs on the screen.

use std::time::Duration;

use crate::probe::Probed;
use crate::render::probe::list::Listing;

/// One look.
#[derive(Debug)]
pub struct Look {
    /// What was seen.
    pub probed: Probed,
    /// Its rows; `None` when its picture is no table.
    pub listing: Option<Listing>,
    /// How long looking took, by the clock on the wall.
    pub took: Duration,
}

impl Look {
    /// Makes rows of what was seen.
    pub fn new(probed: Probed, took: Duration) -> Self {
        Self {
            listing: Listing::of(&probed),
            probed,
            took,
        }
    }
}
