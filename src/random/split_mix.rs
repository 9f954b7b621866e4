//! Numbers that a seed repeats, for orders and for simulations. Not for secrets.

/// The generator `SplitMix64`: the same numbers for a seed on each machine and in each version.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    /// 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
impl SplitMix {
    /// Above 0, at most 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / f64::from(u32::MAX) + f64::EPSILON
    }

    /// Of a normal distribution with the mean 0 and the deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// True in this part of all cases.
    pub(crate) fn chance(&mut self, of: f64) -> bool {
        self.uniform() < of
    }
}
