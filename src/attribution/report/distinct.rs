/// Counts of distinct people by place in a table.
///
/// The facts of a visitor or user stand together. So it is enough to remember who was counted last at each place.
#[derive(Clone, Debug)]
pub(super) struct Distinct {
    /// The number of whoever was counted last, and the count.
    places: Vec<(u32, u32)>,
    /// The number of the visitor or user at hand.
    current: u32,
}

impl Distinct {
    pub fn new(places: usize) -> Self {
        Self { places: vec![(0, 0); places], current: 0 }
    }

    /// Goes on to the next visitor or user.
    pub fn next(&mut self) {
        self.current += 1;
    }

    /// Counts whoever is at hand, once for each place.
    pub fn count(&mut self, place: usize) {
        let (last, count) = &mut self.places[place];
        if *last != self.current {
            *last = self.current;
            *count += 1;
        }
    }

    pub fn get(&self, place: usize) -> i64 {
        i64::from(self.places[place].1)
    }

    pub fn merge(&mut self, other: &Self) {
        for ((_, count), (_, other)) in self.places.iter_mut().zip(&other.places) {
            *count += other;
        }
    }

    pub fn counts(&self) -> impl Iterator<Item = i64> {
        self.places.iter().map(|(_, count)| i64::from(*count))
    }
}
