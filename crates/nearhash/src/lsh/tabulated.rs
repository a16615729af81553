//! A smooth function of one number, tabulated once and interpolated ever after: probing asks for
//! hundreds of Gaussian probabilities a query.

/// A function on [0, `top`], linear between equally spaced points.
#[derive(Debug)]
pub(crate) struct Tabulated {
    top: f32,
    per_unit: f32,
    values: Vec<f32>,
}

const STEPS: usize = 1024;

impl Tabulated {
    pub(crate) fn new(top: f32, f: impl Fn(f64) -> f64) -> Self {
        let values = (0..=STEPS)
            .map(|i| f(f64::from(top) * i as f64 / STEPS as f64) as f32)
            .collect();
        Self {
            top,
            per_unit: STEPS as f32 / top,
            values,
        }
    }

    /// The function at `x`, or at the nearer end when `x` lies outside; at 0 for NaN, which
    /// projections beyond float32's range lead to.
    #[inline]
    pub(crate) fn at(&self, x: f32) -> f32 {
        // `max` turns NaN into its other operand, which `clamp` would not.
        let position = x.max(0.0).min(self.top) * self.per_unit;
        let left = (position as usize).min(STEPS - 1);
        let (a, b) = (self.values[left], self.values[left + 1]);
        a + (b - a) * (position - left as f32)
    }
}
