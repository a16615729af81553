//! The only place with SIMD.
//!
//! Every kernel is written once, over sixteen abstract lanes (`lanes`, `generic`), and compiled
//! for each instruction set; `Kernels` is the table of the compiled versions. The best
//! one that the CPU has is chosen once, at run time. All give the same bits: sums have one order,
//! multiply and add are fused, and there is nothing that a wider register does otherwise.

#[cfg(feature = "kernel-benchmark")]
pub mod benchmark;
mod codes;
mod generic;
mod lanes;
mod portable;
mod row_codes;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::sync::OnceLock;

use crate::points::{RowSlice, SLACK};
pub(crate) use codes::{Axes, BucketScan, Candidate, LINE, Line, Score, Shortlist};
use generic::{Gather, Pairs, Projection};
pub(crate) use lanes::LANES;
pub(crate) use row_codes::{PART, RowCodes};
pub(crate) use tile::{CodeTile, TILE, TileScore};

/// Instruction sets, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What every CPU of the architecture has.
    Portable,
    /// AVX2, FMA, F16C and the bit counts that came with them (x86-64-v3).
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, DQ, BW and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// And VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Level {
    const ALL: &[Self] = &[
        Self::Portable,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512Vnni,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => "avx512vnni",
        }
    }

    fn available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
                    && is_x86_feature_detected!("lzcnt")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => Self::Avx512.available() && is_x86_feature_detected!("avx512vnni"),
        }
    }
}

/// Name of the instruction set in use: `"avx512vnni"`, `"avx512"`, `"avx2"` or `"portable"`.
///
/// It is the best that the CPU has. The environment variable `NEARHASH_CPU` may name a lesser one;
/// a better one than the CPU has, or an unknown name, changes nothing. Answers are the same.
pub fn level() -> &'static str {
    Kernels::get().level.name()
}

/// The kernels, compiled for one instruction set that this CPU has.
#[derive(Debug)]
pub(crate) struct Kernels {
    level: Level,
    project: unsafe fn(Projection),
    squares: unsafe fn(Projection),
    gather: [GatherKernels; 2],
    pairs: unsafe fn(Pairs),
    signs: unsafe fn(*const f32, usize, *mut u16),
    floors: unsafe fn(*const f32, usize, *mut i32),
    magnitude: unsafe fn(&[f32]) -> u32,
    smallest: unsafe fn(&[f32]) -> usize,
    sums: unsafe fn(&[i32], &[u64], &mut [u64]),
    score: unsafe fn(Score<'_>, &mut [f32]),
    project_codes: unsafe fn(Axes<'_>, &mut [f32]),
    scan: unsafe fn(BucketScan<'_>, &mut Shortlist),
    count_within: unsafe fn(&[f32], &[f32; 1]) -> [u32; 1],
    count_within_three: unsafe fn(&[f32], &[f32; 3]) -> [u32; 3],
    list_within: unsafe fn(&[f32], f32, &mut Vec<u32>),
    row_dots: unsafe fn(RowCodes<'_>, &mut [f32]),
    dots: unsafe fn(CodeTile<'_>, [&mut [f32]; TILE]),
    nearest: unsafe fn(TileScore<'_>) -> [u32; TILE],
}

/// One for each type of rows.
#[derive(Debug)]
struct GatherKernels {
    u8: unsafe fn(Gather<'_, u8>),
    i16: unsafe fn(Gather<'_, i16>),
    f32: unsafe fn(Gather<'_, f32>),
}

/// The table of kernels for one lanes type. `$shapes` are rows × panels (and panels for a single
/// row) of a projection tile, and queries × rows of a tile of pairs: what fits the registers.
macro_rules! kernels {
    ($name:ident, $level:expr, $lanes:ty, $dots:ty, $(#[$features:meta])?,
     project $rows:literal x $panels:literal, $single:literal, pairs $q:literal x $r:literal) => {
        static $name: Kernels = {
            $(#[$features])?
            unsafe fn project(p: Projection) {
                // SAFETY: the caller's promise; the features are on here.
                unsafe { generic::project::<$lanes, false, $rows, $panels, $single>(p) }
            }
            $(#[$features])?
            unsafe fn squares(p: Projection) {
                // SAFETY: as above.
                unsafe { generic::project::<$lanes, true, $rows, $panels, $single>(p) }
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
                unsafe { generic::smallest(values) }
            }
            $(#[$features])?
            unsafe fn sums(values: &[i32], factors: &[u64], out: &mut [u64]) {
                // SAFETY: as above.
                unsafe { generic::sums(values, factors, out) }
            }
            $(#[$features])?
            unsafe fn score(s: Score<'_>, out: &mut [f32]) {
                // SAFETY: as above.
                unsafe { codes::score::<$dots>(s, out) }
            }
            $(#[$features])?
            unsafe fn project_codes(a: Axes<'_>, out: &mut [f32]) {
                // SAFETY: as above.
                unsafe { codes::project_codes::<$dots>(a, out) }
            }
            $(#[$features])?
            unsafe fn scan(s: BucketScan<'_>, out: &mut Shortlist) {
                // SAFETY: as above.
                unsafe { codes::scan::<$dots>(s, out) }
            }
            $(#[$features])?
            unsafe fn count_within<const N: usize>(values: &[f32], limits: &[f32; N]) -> [u32; N] {
                // SAFETY: as above.
                unsafe { codes::count_within::<$lanes, N>(values, limits) }
            }
            $(#[$features])?
            unsafe fn list_within(values: &[f32], limit: f32, out: &mut Vec<u32>) {
                // SAFETY: as above.
                unsafe { codes::list_within::<$lanes>(values, limit, out) }
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
                project_codes,
                scan,
                count_within: count_within::<1>,
                count_within_three: count_within::<3>,
                list_within,
                row_dots,
                dots,
                nearest,
            }
        };
    };
}

kernels!(PORTABLE, Level::Portable, portable::Array, portable::Loops, ,
    project 2 x 1, 2, pairs 1 x 4);
#[cfg(target_arch = "x86_64")]
kernels!(AVX2, Level::Avx2, x86_64::avx2::TwoYmm, x86_64::avx2::Pairwise,
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")],
    project 6 x 1, 5, pairs 1 x 4);
#[cfg(target_arch = "x86_64")]
kernels!(AVX512, Level::Avx512, x86_64::avx512::Zmm, x86_64::avx512::Pairwise,
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")],
    project 6 x 4, 8, pairs 4 x 4);
#[cfg(target_arch = "x86_64")]
kernels!(AVX512_VNNI, Level::Avx512Vnni, x86_64::avx512::Zmm, x86_64::avx512::Vnni,
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")],
    project 6 x 4, 8, pairs 4 x 4);

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
        ];
        ALL.iter()
            .copied()
            .filter(|kernels| kernels.level.available())
    }

    /// offset + row · plane, for every row and plane.
    ///
    /// `rows` are `dim` floats each, `stride` floats apart. `panels` hold sixteen planes each, dimension by dimension
    /// (coordinate j of plane 16 p + i at `(p * dim + j) * 16 + i`); `offsets` one float a plane.
    /// `out` gets the results of one row after the other. Each sum starts with the offset and goes
    /// through the dimensions in order, by fused multiply-add.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn project(
        &self,
        rows: &[f32],
        stride: usize,
        dim: usize,
        panels: &[f32],
        offsets: &[f32],
        out: &mut [f32],
    ) {
        let projection = projection(rows, stride, dim, panels, offsets, out);
        // SAFETY: this table exists only for a CPU that has the instruction set, and the lengths
        // were checked.
        unsafe { (self.project)(projection) }
    }

    /// offset + |row − centre|², for every row and centre: [`project`](Self::project) with centres
    /// in the places of the planes, laid out and summed in the same way.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn squares(
        &self,
        rows: &[f32],
        stride: usize,
        dim: usize,
        panels: &[f32],
        offsets: &[f32],
        out: &mut [f32],
    ) {
        let projection = projection(rows, stride, dim, panels, offsets, out);
        // SAFETY: as in `project`.
        unsafe { (self.squares)(projection) }
    }

    /// Squared distances between `query` and the rows `ids` of a matrix, each row first multiplied
    /// by its factor in `scales`, when given.
    ///
    /// `query` is `dim` floats and then zeros up to a multiple of sixteen; `rows` are rows of `dim`
    /// values and `SLACK` values more; `out` gets one distance per id. Sixteen partial sums
    /// (dimensions i, i + 16, …), added pairwise.
    ///
    /// # Panics
    /// When the lengths do not fit together or an id is no row.
    pub(crate) fn gather(
        &self,
        query: &[f32],
        rows: RowSlice<'_>,
        dim: usize,
        ids: &[u32],
        scales: Option<&[f32]>,
        out: &mut [f32],
    ) {
        assert!(rows.len() >= SLACK);
        let count = (rows.len() - SLACK) / dim;
        assert_eq!(query.len(), padded_width(dim));
        assert_eq!(out.len(), ids.len());
        assert!(ids.iter().all(|id| (*id as usize) < count));
        assert!(scales.is_none_or(|s| s.len() >= count));
        let kernels = &self.gather[usize::from(scales.is_some())];
        let (query, out) = (query.as_ptr(), out.as_mut_ptr());
        let scales = scales.map_or(std::ptr::null(), <[f32]>::as_ptr);
        macro_rules! call {
            ($kernel:expr, $rows:expr) => {
                // SAFETY: the instruction set as in `project`; ids and lengths were checked, and
                // the kernels with scales are those called when there are any.
                unsafe {
                    $kernel(Gather {
                        query,
                        rows: $rows.as_ptr(),
                        dim,
                        ids,
                        scales,
                        out,
                    })
                }
            };
        }
        match rows {
            RowSlice::U8(rows) => call!((kernels.u8), rows),
            RowSlice::I16(rows) => call!((kernels.i16), rows),
            RowSlice::F32(rows) => call!((kernels.f32), rows),
        }
    }

    /// Squared distances of all pairs of `queries` and `rows`, both padded with zeros to `width`
    /// floats a row, a multiple of sixteen. `out[i * rows + j]` gets that of query i and row j, the
    /// same bits as [`gather`](Self::gather) gives.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn pairs(
        &self,
        queries: &[f32],
        rows: &[f32],
        width: usize,
        out: &mut [f32],
        stride: usize,
    ) {
        assert!(width > 0 && width.is_multiple_of(LANES));
        let (query_count, row_count) = (queries.len() / width, rows.len() / width);
        assert_eq!(queries.len(), query_count * width);
        assert_eq!(rows.len(), row_count * width);
        if query_count == 0 || row_count == 0 {
            return;
        }
        assert!(stride >= row_count && out.len() >= (query_count - 1) * stride + row_count);
        let pairs = Pairs {
            queries: queries.as_ptr(),
            query_count,
            rows: rows.as_ptr(),
            row_count,
            width,
            out: out.as_mut_ptr(),
            stride,
        };
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.pairs)(pairs) }
    }

    /// Squared norm of a vector padded with zeros to whole lanes: its squared distance from the
    /// origin, with the same bits as [`pairs`](Self::pairs).
    pub(crate) fn squared_norm(&self, vector: &[f32]) -> f32 {
        const STEP: usize = 4096;
        static ORIGIN: [f32; STEP] = [0.0; STEP];
        let mut squared = [0.0];
        if vector.len() <= STEP {
            self.pairs(
                &ORIGIN[..vector.len()],
                vector,
                vector.len(),
                &mut squared,
                1,
            );
        } else {
            let origin = vec![0.0; vector.len()];
            self.pairs(&origin, vector, vector.len(), &mut squared, 1);
        }
        squared[0]
    }

    /// One bit per value, set when it is not negative, sixteen to a word, lowest bit first.
    ///
    /// # Panics
    /// When `values` is not sixteen times as long as `out`.
    pub(crate) fn signs(&self, values: &[f32], out: &mut [u16]) {
        assert_eq!(values.len(), out.len() * LANES);
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.signs)(values.as_ptr(), out.len(), out.as_mut_ptr()) }
    }

    /// The floor of each value, within ±2³⁰; NaN gives −2³⁰.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of sixteen.
    pub(crate) fn floors(&self, values: &[f32], out: &mut [i32]) {
        assert!(values.len() == out.len() && values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.floors)(values.as_ptr(), values.len() / LANES, out.as_mut_ptr()) }
    }

    /// Largest absolute value; infinite or NaN when any value is.
    pub(crate) fn magnitude(&self, values: &[f32]) -> f32 {
        // SAFETY: the instruction set as in `project`.
        f32::from_bits(unsafe { (self.magnitude)(values) })
    }

    /// Place of the smallest value, the first of equal ones; 0 when there is none but NaN.
    pub(crate) fn smallest(&self, values: &[f32]) -> usize {
        // SAFETY: the instruction set as in `project`.
        unsafe { (self.smallest)(values) }
    }

    /// Σ factor × value, wrapping, for each run of as many values as there are factors: one sum for
    /// each place of `out`.
    ///
    /// # Panics
    /// When there are no factors or the lengths do not fit together.
    pub(crate) fn sums(&self, values: &[i32], factors: &[u64], out: &mut [u64]) {
        assert!(!factors.is_empty());
        assert!(values.len() >= out.len() * factors.len());
        // SAFETY: the instruction set as in `project`; slices carry their lengths.
        unsafe { (self.sums)(values, factors, out) }
    }

    /// Distances from codes as bytes, see [`Score`]: one for each code vector.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn score(&self, s: Score<'_>, out: &mut [f32]) {
        assert!(out.len().is_multiple_of(LANES));
        assert_eq!(s.norms.len(), out.len());
        assert_eq!(s.codes.len(), out.len() / LANES * s.lines);
        assert_eq!(s.query.len(), 4 * s.lines);
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.score)(s, out) }
    }

    /// Place of a vector along directions as bytes, see [`Axes`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn project_codes(&self, a: Axes<'_>, out: &mut [f32]) {
        assert!(out.len().is_multiple_of(LANES));
        assert_eq!(a.factors.len(), out.len());
        assert_eq!(a.codes.len(), out.len() / LANES * a.lines);
        assert!(a.high.len() == 4 * a.lines && a.low.len() == 4 * a.lines);
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.project_codes)(a, out) }
    }

    /// Offer the points of a bucket to `out`, see [`BucketScan`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn scan(&self, s: BucketScan<'_>, out: &mut Shortlist) {
        assert_eq!(s.groups.len(), s.live.len() * (s.lines + 1));
        assert_eq!(s.query.len(), s.lines * if s.nibbles { 8 } else { 4 });
        assert!(s.dots.is_none_or(|dots| dots.len() == s.live.len() * LANES));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.scan)(s, out) }
    }

    /// Dot products of all codes with several queries, see [`CodeTile`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn dots(&self, t: CodeTile<'_>, out: [&mut [f32]; TILE]) {
        assert!(t.stride > 0 && t.lines <= t.stride && t.groups.len().is_multiple_of(t.stride));
        let vectors = t.groups.len() / t.stride * LANES;
        assert!(out.iter().all(|out| out.len() == vectors));
        let numbers = t.lines * if t.nibbles { 8 } else { 4 };
        assert!(t.queries.iter().all(|query| query.len() == numbers));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.dots)(t, out) }
    }

    /// Place of the nearest code vector of each query, see [`TileScore`]; the first of equally near
    /// ones.
    ///
    /// # Panics
    /// When the lengths do not fit together, or there are none or more than 2²⁴ code vectors.
    pub(crate) fn nearest(&self, s: TileScore<'_>) -> [u32; TILE] {
        let t = &s.tile;
        assert!(t.stride > 0 && t.lines <= t.stride && t.groups.len().is_multiple_of(t.stride));
        assert!(!t.nibbles && t.queries.iter().all(|query| query.len() == 4 * t.lines));
        assert_eq!(s.norms.len(), t.groups.len() / t.stride * LANES);
        assert!((1..=1 << 24).contains(&s.norms.len()));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.nearest)(s) }
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
        }
    }

    /// How many values are at most `limit`.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn count_within(&self, values: &[f32], limit: f32) -> usize {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the length was checked.
        let [count] = unsafe { (self.count_within)(values, &[limit]) };
        count as usize
    }

    /// [`count_within`](Self::count_within) of three limits at once.
    ///
    /// # Panics
    /// As there.
    pub(crate) fn count_within_three(&self, values: &[f32], limits: &[f32; 3]) -> [u32; 3] {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the length was checked.
        unsafe { (self.count_within_three)(values, limits) }
    }

    /// Append the places of the values that are at most `limit`, ascending.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn list_within(&self, values: &[f32], limit: f32, out: &mut Vec<u32>) {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the length was checked.
        unsafe { (self.list_within)(values, limit, out) }
    }

    /// Dot products of rows as bytes with a query, see [`RowCodes`]: one an id.
    ///
    /// # Panics
    /// When the lengths do not fit together or an id is no row.
    pub(crate) fn row_dots(&self, r: RowCodes<'_>, out: &mut [f32]) {
        assert!((1..=255).contains(&r.lines));
        assert!(r.high.len() == LINE * r.lines && r.low.len() == LINE * r.lines);
        assert_eq!(out.len(), r.ids.len());
        let count = r.codes.len() / r.lines;
        assert!(r.ids.iter().all(|id| (*id as usize) < count));
        // SAFETY: the instruction set as in `project`; ids and lengths were checked.
        unsafe { (self.row_dots)(r, out) }
    }
}

/// What [`Kernels::project`] and [`Kernels::squares`] pass on.
///
/// # Panics
/// When the lengths do not fit together.
fn projection(
    rows: &[f32],
    stride: usize,
    dim: usize,
    panels: &[f32],
    offsets: &[f32],
    out: &mut [f32],
) -> Projection {
    let (count, panel_count) = (rows.len() / stride, offsets.len() / LANES);
    assert!(dim <= stride);
    assert_eq!(rows.len(), count * stride);
    assert_eq!(offsets.len(), panel_count * LANES);
    assert_eq!(panels.len(), panel_count * LANES * dim);
    assert_eq!(out.len(), count * panel_count * LANES);
    Projection {
        rows: rows.as_ptr(),
        count,
        stride,
        dim,
        panels: panels.as_ptr(),
        panel_count,
        offsets: offsets.as_ptr(),
        out: out.as_mut_ptr(),
    }
}

/// Ask for the cache line of `at`, to be read soon.
#[inline(always)]
pub(crate) fn prefetch<T>(at: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE, which every x86-64 CPU has; a prefetch reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Ask for cache lines that will be read a little later: not before others that are read sooner.
#[inline(always)]
pub(crate) fn prefetch_lines(lines: &[Line]) {
    #[cfg(target_arch = "x86_64")]
    for line in lines {
        // SAFETY: SSE, which every x86-64 CPU has; a prefetch reads nothing.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(line).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = lines;
}

/// `dim` rounded up to whole lanes.
pub(crate) fn padded_width(dim: usize) -> usize {
    dim.next_multiple_of(LANES)
}

#[cfg(test)]
mod tests;
