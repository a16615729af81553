//! Buckets: how their points are encoded (`residuals`) and scanned (`scan`), and what is kept of
//! them (`shortlist`) in what order (`order`).

use crate::kernel::Kernels;
use crate::kernel::lanes::LANES;
use crate::kernel::residuals::{Decoded, Residual, Residuals};
use crate::kernel::scan::BucketScan;
use crate::kernel::shortlist::Shortlist;

impl Kernels {
    /// How far a vector is from its bucket's centre.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn residual(&self, r: &Residuals<'_>, y: &[f32]) -> Residual {
        r.check(y);
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.residual)(r, y) }
    }

    /// Write the codes of a vector, in steps of weight × `scale`.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn encode(
        &self,
        r: &Residuals<'_>,
        y: &[f32],
        scale: f32,
        codes: &mut [i8],
    ) -> Decoded {
        r.check(y);
        assert_eq!(codes.len(), y.len());
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.encode)(r, y, scale, codes) }
    }

    /// Sums of the products of each two coordinates of the rows.
    pub(crate) fn products(&self, rows: &[[f32; LANES]]) -> [[f32; LANES]; LANES] {
        // SAFETY: this CPU has the instruction set, see `calls`.
        unsafe { (self.products)(rows) }
    }

    /// Offer the points of a bucket to `out`, see [`BucketScan`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn scan(&self, s: BucketScan<'_>, out: &mut Shortlist) {
        assert_eq!(s.groups.len(), s.live.len() * (s.lines + 1));
        assert_eq!(s.query.len(), s.lines * s.packing.dimensions());
        assert!(s.dots.is_none_or(|dots| dots.len() == s.live.len() * LANES));
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.scan)(s, out) }
    }

    /// Forget the candidates that the limit, as it is now, rules out, with `part` of the margins.
    pub(crate) fn settle(&self, list: &mut Shortlist, part: f32) {
        // SAFETY: this CPU has the instruction set, see `calls`.
        unsafe { (self.settle)(list, part) }
    }

    /// Rows of the candidates whose estimates are within the limit, from the one at place `from` on,
    /// to `rows`.
    ///
    /// # Panics
    /// When there are fewer than `from`.
    pub(crate) fn likely(&self, list: &mut Shortlist, from: usize, rows: &mut Vec<u32>) {
        assert!(from <= list.candidates.len());
        // SAFETY: this CPU has the instruction set, see `calls`; the place was checked.
        unsafe { (self.likely)(list, from, rows) }
    }

    /// Rows of the other candidates that may be within `most`, with `part` of the margins, to `rows`.
    pub(crate) fn others_within(
        &self,
        list: &mut Shortlist,
        most: f32,
        part: f32,
        rows: &mut Vec<u32>,
    ) {
        // SAFETY: this CPU has the instruction set, see `calls`.
        unsafe { (self.others_within)(list, most, part, rows) }
    }

    /// Put keys in ascending order; no two are equal.
    pub(crate) fn sort_keys(&self, keys: &mut [u64]) {
        // SAFETY: this CPU has the instruction set, see `calls`.
        unsafe { (self.sort_keys)(keys) }
    }
}
