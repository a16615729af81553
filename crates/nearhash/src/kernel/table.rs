//! The kernels, compiled for every instruction set of the architecture: one table each.

use std::sync::OnceLock;

#[cfg(target_arch = "aarch64")]
use super::aarch64;
use super::codes::{self, Axes, Score, Scored};
use super::generic::{self, Gather, Pairs, Projection};
use super::lanes::LANES;
use super::level::Level;
use super::order;
use super::portable;
use super::quantise::{self, Rounded, Split};
use super::residuals::{self, Decoded, Residual, Residuals};
use super::row_codes::{self, RowCodes};
use super::scan::{self, BucketScan};
use super::shortlist::{self, Shortlist};
use super::tile::{self, CodeTile, TILE, TileScore};
#[cfg(target_arch = "x86_64")]
use super::x86_64;

/// The kernels, compiled for one instruction set that this CPU has.
#[derive(Debug)]
pub(crate) struct Kernels {
    pub(super) level: Level,
    pub(super) project: unsafe fn(Projection),
    pub(super) squares: unsafe fn(Projection),
    pub(super) gather: [GatherKernels; 2],
    pub(super) pairs: unsafe fn(Pairs),
    pub(super) signs: unsafe fn(*const f32, usize, *mut u16),
    pub(super) floors: unsafe fn(*const f32, usize, *mut i32),
    pub(super) magnitude: unsafe fn(&[f32]) -> u32,
    pub(super) smallest: unsafe fn(&[f32]) -> usize,
    pub(super) sums: unsafe fn(&[i32], &[u64], &mut [u64]),
    pub(super) score: unsafe fn(Score<'_>, &mut [f32]) -> Scored,
    pub(super) quantise: quantise::Quantise,
    pub(super) split: unsafe fn(&[f32], &[f32], &mut Split),
    pub(super) project_codes: unsafe fn(Axes<'_>, &mut [f32]),
    pub(super) residual: unsafe fn(&Residuals<'_>, &[f32]) -> Residual,
    pub(super) encode: unsafe fn(&Residuals<'_>, &[f32], f32, &mut [i8]) -> Decoded,
    pub(super) products: unsafe fn(&[[f32; LANES]]) -> [[f32; LANES]; LANES],
    pub(super) scan: unsafe fn(BucketScan<'_>, &mut Shortlist),
    pub(super) settle: unsafe fn(&mut Shortlist, f32),
    pub(super) likely: unsafe fn(&mut Shortlist, usize, &mut Vec<u32>),
    pub(super) others_within: unsafe fn(&mut Shortlist, f32, f32, &mut Vec<u32>),
    pub(super) first_within: unsafe fn(&[f32], f32) -> usize,
    pub(super) sort_keys: unsafe fn(&mut [u64]),
    pub(super) count_within: unsafe fn(&[f32], &[f32; 1]) -> [u32; 1],
    pub(super) count_within_three: unsafe fn(&[f32], &[f32; 3]) -> [u32; 3],
    pub(super) list_between: unsafe fn(&[f32], f32, f32, &mut Vec<u32>),
    pub(super) row_dots: unsafe fn(RowCodes<'_>, &mut [f32]),
    pub(super) dots: unsafe fn(CodeTile<'_>, [&mut [f32]; TILE]),
    pub(super) nearest: unsafe fn(TileScore<'_>) -> [u32; TILE],
}

/// One for each type of rows.
#[derive(Debug)]
pub(super) struct GatherKernels {
    pub(super) u8: unsafe fn(Gather<'_, u8>),
    pub(super) i16: unsafe fn(Gather<'_, i16>),
    pub(super) f32: unsafe fn(Gather<'_, f32>),
}

/// The table of kernels for one lanes type. The shapes are rows × panels (and panels for a single
/// row) of a tile of projections, of one of squares, and queries × rows of a tile of pairs: what
/// fits the registers.
macro_rules! kernels {
    ($name:ident, $level:expr, $lanes:ty, $dots:ty, $(#[$features:meta])?,
     project $rows:literal x $panels:literal, $single:literal,
     squares $square_rows:literal x $square_panels:literal, pairs $q:literal x $r:literal) => {
        static $name: Kernels = {
            $(#[$features])?
            unsafe fn project(p: Projection) {
                // SAFETY: the caller's promise; the features are on here.
                unsafe { generic::project::<$lanes, false, $rows, $panels, $single>(p) }
            }
            $(#[$features])?
            unsafe fn squares(p: Projection) {
                // SAFETY: as above.
                unsafe { generic::project::<$lanes, true, $square_rows, $square_panels, $single>(p) }
            }
            $(#[$features])?
            unsafe fn gather_u8<const SCALED: bool>(g: Gather<'_, u8>) {
                // SAFETY: as above.
                unsafe { generic::gather::<$lanes, u8, SCALED>(g) }
            }
            $(#[$features])?
            unsafe fn gather_i16<const SCALED: bool>(g: Gather<'_, i16>) {
                // SAFETY: as above.
                unsafe { generic::gather::<$lanes, i16, SCALED>(g) }
            }
            $(#[$features])?
            unsafe fn gather_f32<const SCALED: bool>(g: Gather<'_, f32>) {
                // SAFETY: as above.
                unsafe { generic::gather::<$lanes, f32, SCALED>(g) }
            }
            $(#[$features])?
            unsafe fn pairs(p: Pairs) {
                // SAFETY: as above.
                unsafe { generic::pairs::<$lanes, $q, $r>(p) }
            }
            $(#[$features])?
            unsafe fn signs(values: *const f32, words: usize, out: *mut u16) {
                // SAFETY: as above.
                unsafe { generic::signs::<$lanes>(values, words, out) }
            }
            $(#[$features])?
            unsafe fn floors(values: *const f32, blocks: usize, out: *mut i32) {
                // SAFETY: as above.
                unsafe { generic::floors::<$lanes>(values, blocks, out) }
            }
            $(#[$features])?
            unsafe fn magnitude(values: &[f32]) -> u32 {
                // SAFETY: as above.
                unsafe { generic::magnitude(values) }
            }
            $(#[$features])?
            unsafe fn smallest(values: &[f32]) -> usize {
                // SAFETY: as above.
                unsafe { generic::smallest::<$lanes>(values) }
            }
            $(#[$features])?
            unsafe fn sums(values: &[i32], factors: &[u64], out: &mut [u64]) {
                // SAFETY: as above.
                unsafe { generic::sums(values, factors, out) }
            }
            $(#[$features])?
            unsafe fn score(s: Score<'_>, out: &mut [f32]) -> Scored {
                // SAFETY: as above.
                unsafe { codes::score::<$dots>(s, out) }
            }
            $(#[$features])?
            unsafe fn quantise(x: &[f32], weights: Option<&[f32]>, codes: &mut [i8]) -> Rounded {
                // SAFETY: as above.
                unsafe { quantise::quantise::<$lanes>(x, weights, codes) }
            }
            $(#[$features])?
            unsafe fn split(x: &[f32], from: &[f32], out: &mut Split) {
                // SAFETY: as above.
                unsafe { quantise::split::<$lanes>(x, from, out) }
            }
            $(#[$features])?
            unsafe fn project_codes(a: Axes<'_>, out: &mut [f32]) {
                // SAFETY: as above.
                unsafe { codes::project_codes::<$dots>(a, out) }
            }
            $(#[$features])?
            unsafe fn residual(r: &Residuals<'_>, y: &[f32]) -> Residual {
                // SAFETY: as above.
                unsafe { residuals::residual::<$lanes>(r, y) }
            }
            $(#[$features])?
            unsafe fn encode(
                r: &Residuals<'_>,
                y: &[f32],
                scale: f32,
                codes: &mut [i8],
            ) -> Decoded {
                // SAFETY: as above.
                unsafe { residuals::encode::<$lanes>(r, y, scale, codes) }
            }
            $(#[$features])?
            unsafe fn products(rows: &[[f32; LANES]]) -> [[f32; LANES]; LANES] {
                // SAFETY: as above.
                unsafe { residuals::products::<$lanes>(rows) }
            }
            $(#[$features])?
            unsafe fn scan(s: BucketScan<'_>, out: &mut Shortlist) {
                // SAFETY: as above.
                unsafe { scan::scan::<$dots>(s, out) }
            }
            $(#[$features])?
            unsafe fn settle(list: &mut Shortlist, part: f32) {
                // SAFETY: as above.
                unsafe { shortlist::settle::<$lanes>(list, part) }
            }
            $(#[$features])?
            unsafe fn likely(list: &mut Shortlist, from: usize, rows: &mut Vec<u32>) {
                // SAFETY: as above.
                unsafe { shortlist::likely::<$lanes>(list, from, rows) }
            }
            $(#[$features])?
            unsafe fn others_within(list: &mut Shortlist, most: f32, part: f32, rows: &mut Vec<u32>) {
                // SAFETY: as above.
                unsafe { shortlist::others_within::<$lanes>(list, most, part, rows) }
            }
            $(#[$features])?
            unsafe fn first_within(values: &[f32], limit: f32) -> usize {
                // SAFETY: as above.
                unsafe { codes::first_within::<$lanes>(values, limit) }
            }
            $(#[$features])?
            unsafe fn sort_keys(keys: &mut [u64]) {
                // SAFETY: as above.
                unsafe { order::sort_keys::<$lanes>(keys) }
            }
            $(#[$features])?
            unsafe fn count_within<const N: usize>(values: &[f32], limits: &[f32; N]) -> [u32; N] {
                // SAFETY: as above.
                unsafe { codes::count_within::<$lanes, N>(values, limits) }
            }
            $(#[$features])?
            unsafe fn list_between(values: &[f32], above: f32, limit: f32, out: &mut Vec<u32>) {
                // SAFETY: as above.
                unsafe { codes::list_between::<$lanes>(values, above, limit, out) }
            }
            $(#[$features])?
            unsafe fn row_dots(r: RowCodes<'_>, out: &mut [f32]) {
                // SAFETY: as above.
                unsafe { row_codes::row_dots::<$dots>(r, out) }
            }
            $(#[$features])?
            unsafe fn dots(t: CodeTile<'_>, out: [&mut [f32]; TILE]) {
                // SAFETY: as above.
                unsafe { tile::dots::<$dots>(t, out) }
            }
            $(#[$features])?
            unsafe fn nearest(s: TileScore<'_>) -> [u32; TILE] {
                // SAFETY: as above.
                unsafe { tile::nearest::<$dots>(s) }
            }
            Kernels {
                level: $level,
                project,
                squares,
                gather: [
                    GatherKernels {
                        u8: gather_u8::<false>,
                        i16: gather_i16::<false>,
                        f32: gather_f32::<false>,
                    },
                    GatherKernels {
                        u8: gather_u8::<true>,
                        i16: gather_i16::<true>,
                        f32: gather_f32::<true>,
                    },
                ],
                pairs,
                signs,
                floors,
                magnitude,
                smallest,
                sums,
                score,
                quantise,
                split,
                project_codes,
                residual,
                encode,
                products,
                scan,
                settle,
                likely,
                others_within,
                first_within,
                sort_keys,
                count_within: count_within::<1>,
                count_within_three: count_within::<3>,
                list_between,
                row_dots,
                dots,
                nearest,
            }
        };
    };
}

kernels!(PORTABLE, Level::Portable, portable::Array, portable::Loops, ,
    project 2 x 1, 2, squares 2 x 1, pairs 1 x 4);
#[cfg(target_arch = "x86_64")]
kernels!(AVX2, Level::Avx2, x86_64::avx2::TwoYmm, x86_64::avx2::Pairwise,
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")],
    project 6 x 1, 5, squares 6 x 1, pairs 1 x 4);
#[cfg(target_arch = "x86_64")]
kernels!(AVX512, Level::Avx512, x86_64::avx512::Zmm, x86_64::avx512::Pairwise,
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")],
    project 6 x 4, 8, squares 6 x 4, pairs 4 x 4);
#[cfg(target_arch = "x86_64")]
kernels!(AVX512_VNNI, Level::Avx512Vnni, x86_64::avx512::Zmm, x86_64::avx512::Vnni,
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")],
    project 6 x 4, 8, squares 6 x 4, pairs 4 x 4);
#[cfg(target_arch = "aarch64")]
kernels!(NEON, Level::Neon, aarch64::neon::FourQ, aarch64::long_products::LongProducts,
    #[target_feature(enable = "neon")],
    project 6 x 1, 3, squares 4 x 1, pairs 1 x 4);
#[cfg(target_arch = "aarch64")]
kernels!(NEON_DOT, Level::NeonDot, aarch64::neon::FourQ, aarch64::dot_product::DotProduct,
    #[target_feature(enable = "neon,dotprod")],
    project 6 x 1, 3, squares 4 x 1, pairs 1 x 4);

impl Kernels {
    /// The kernels of the instruction set in use.
    pub(crate) fn get() -> &'static Self {
        static CHOSEN: OnceLock<&'static Kernels> = OnceLock::new();
        CHOSEN.get_or_init(|| {
            let asked = std::env::var("NEARHASH_CPU").ok();
            let limit = Level::ALL
                .iter()
                .find(|level| asked.as_deref() == Some(level.name()))
                .unwrap_or(&Level::ALL[Level::ALL.len() - 1]);
            Self::available()
                .rfind(|kernels| kernels.level <= *limit)
                .unwrap_or(&PORTABLE)
        })
    }

    /// Those that this CPU can run, worst first.
    pub(crate) fn available() -> impl DoubleEndedIterator<Item = &'static Self> {
        const ALL: &[&Kernels] = &[
            &PORTABLE,
            #[cfg(target_arch = "x86_64")]
            &AVX2,
            #[cfg(target_arch = "x86_64")]
            &AVX512,
            #[cfg(target_arch = "x86_64")]
            &AVX512_VNNI,
            #[cfg(target_arch = "aarch64")]
            &NEON,
            #[cfg(target_arch = "aarch64")]
            &NEON_DOT,
        ];
        ALL.iter()
            .copied()
            .filter(|kernels| kernels.level.available())
    }

    /// Run `work` compiled for the instruction set: loops over arrays in it, and in what it calls
    /// inline, get its registers. The result is the same; nothing is fused or reordered by that.
    #[inline(always)]
    pub(crate) fn compiled<R>(&self, work: impl FnOnce() -> R) -> R {
        match self.level {
            Level::Portable => work(),
            // SAFETY: this table exists only for a CPU that has the instruction set.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { x86_64::with_avx2(work) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx512Vnni => unsafe { x86_64::with_avx512(work) },
            // What the compiler has on anyway.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => work(),
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Level::NeonDot => unsafe { aarch64::with_dot_product(work) },
        }
    }
}
