//! The algorithms, once, over [`Lanes`]. Each instruction set has its own entry points to them in
//! [`super`], compiled with that instruction set enabled.

use super::lanes::{Element, LANES, Lanes, smallest_lane};

/// What [`project`] works on.
///
/// Rows are `dim` floats each, `stride` apart. Planes come in panels of sixteen: a panel holds, for one dimension
/// after the other, that coordinate of its sixteen planes. The result of row i, plane j stands at
/// `out[i * 16 * panels + j]`.
#[derive(Clone, Copy)]
pub(crate) struct Projection {
    pub(crate) rows: *const f32,
    pub(crate) count: usize,
    pub(crate) stride: usize,
    pub(crate) dim: usize,
    pub(crate) panels: *const f32,
    pub(crate) panel_count: usize,
    pub(crate) offsets: *const f32,
    pub(crate) out: *mut f32,
}

/// offset + row · plane for every row and plane, or offset + |row − plane|² when SQUARED. Lanes run
/// over planes, so each sum goes through the dimensions in their order, and no block shape, row
/// count or register width changes it.
///
/// R rows and P panels are worked on together; single rows take P1 panels at once.
///
/// # Safety
/// As for [`Lanes`]; the pointers of `p` hold as many floats as its counts say.
#[inline(always)]
pub(crate) unsafe fn project<
    V: Lanes,
    const SQUARED: bool,
    const R: usize,
    const P: usize,
    const P1: usize,
>(
    p: Projection,
) {
    let tiled = p.count - p.count % R;
    // SAFETY: tiles cover rows 0..count and panels 0..panel_count, each once, and stay inside.
    unsafe {
        let mut panel = 0;
        while panel + P <= p.panel_count {
            for row in (0..tiled).step_by(R) {
                project_tile::<V, SQUARED, R, P>(&p, row, panel);
            }
            panel += P;
        }
        while panel < p.panel_count {
            for row in (0..tiled).step_by(R) {
                project_tile::<V, SQUARED, R, 1>(&p, row, panel);
            }
            panel += 1;
        }
        for row in tiled..p.count {
            let mut panel = 0;
            while panel + P1 <= p.panel_count {
                project_tile::<V, SQUARED, 1, P1>(&p, row, panel);
                panel += P1;
            }
            // One panel alone waits for each of its sums: as few of those as can be.
            while P1 > 4 && panel + 4 <= p.panel_count {
                project_tile::<V, SQUARED, 1, 4>(&p, row, panel);
                panel += 4;
            }
            while panel + 2 <= p.panel_count {
                project_tile::<V, SQUARED, 1, 2>(&p, row, panel);
                panel += 2;
            }
            while panel < p.panel_count {
                project_tile::<V, SQUARED, 1, 1>(&p, row, panel);
                panel += 1;
            }
        }
    }
}

#[inline(always)]
unsafe fn project_tile<V: Lanes, const SQUARED: bool, const R: usize, const P: usize>(
    p: &Projection,
    row: usize,
    panel: usize,
) {
    // SAFETY: rows row..row + R and panels panel..panel + P exist, as `project` sees to.
    unsafe {
        let out_stride = p.panel_count * LANES;
        let rows: [*const f32; R] = std::array::from_fn(|r| p.rows.add((row + r) * p.stride));
        let panels: [*const f32; P] =
            std::array::from_fn(|i| p.panels.add((panel + i) * p.dim * LANES));
        let mut sums: [[V; P]; R] =
            [std::array::from_fn(|i| V::load(p.offsets.add((panel + i) * LANES))); R];
        for j in 0..p.dim {
            let planes: [V; P] = std::array::from_fn(|i| V::load(panels[i].add(j * LANES)));
            for (row, sums) in rows.iter().zip(&mut sums) {
                let x = V::splat(*row.add(j));
                for (plane, sum) in planes.iter().zip(sums) {
                    *sum = if SQUARED {
                        let difference = x.sub(*plane);
                        difference.mul_add(difference, *sum)
                    } else {
                        x.mul_add(*plane, *sum)
                    };
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (i, sum) in sums.iter().enumerate() {
                sum.store(p.out.add((row + r) * out_stride + (panel + i) * LANES));
            }
        }
    }
}

/// Rows that [`gather`] picks out of a matrix.
#[derive(Clone, Copy)]
pub(crate) struct Gather<'a, E> {
    /// `dim` floats, then zeros up to a multiple of sixteen.
    pub(crate) query: *const f32,
    /// The matrix; sixteen values behind its last row are readable.
    pub(crate) rows: *const E,
    pub(crate) dim: usize,
    /// Which rows, in this order.
    pub(crate) ids: &'a [u32],
    /// A factor for each row of the matrix, when SCALED.
    pub(crate) scales: *const f32,
    /// One float per id.
    pub(crate) out: *mut f32,
}

/// Rows ahead whose memory is asked for while a row is worked on.
const PREFETCH_ROWS: usize = 8;
/// Of such a row, no more than this many cache lines; the hardware follows a longer row by itself.
const PREFETCH_LINES: usize = 8;

/// Squared distance between the query and each picked row (times its scale, when SCALED): sixteen
/// partial sums over the dimensions i, i + 16, i + 32, …, then [`Lanes::reduce`].
///
/// # Safety
/// As for [`Lanes`]; every id is a row of the matrix, and the pointers of `g` hold what it says.
#[inline(always)]
pub(crate) unsafe fn gather<V: Lanes, E: Element, const SCALED: bool>(g: Gather<'_, E>) {
    let row_bytes = g.dim * size_of::<E>();
    let lines = row_bytes.div_ceil(64).min(PREFETCH_LINES);
    // SAFETY: ids are rows; prefetching is allowed anywhere.
    let prefetch = |id: u32| unsafe {
        let row = g.rows.add(id as usize * g.dim).cast::<u8>();
        for line in 0..lines {
            V::prefetch(row.wrapping_add(line * 64));
        }
    };
    for id in g.ids.iter().take(PREFETCH_ROWS) {
        prefetch(*id);
    }
    let mut at = 0;
    while at + 4 <= g.ids.len() {
        if let Some(ahead) = g.ids.get(at + PREFETCH_ROWS..at + PREFETCH_ROWS + 4) {
            ahead.iter().for_each(|id| prefetch(*id));
        }
        // SAFETY: four ids from `at` on are there, and so many results fit.
        unsafe {
            let sums = gather_rows::<V, E, SCALED, 4>(&g, at);
            let sums = V::reduce4(sums);
            g.out.add(at).cast::<[f32; 4]>().write_unaligned(sums);
        }
        at += 4;
    }
    for at in at..g.ids.len() {
        // SAFETY: as above, for one id.
        unsafe {
            let [sum] = gather_rows::<V, E, SCALED, 1>(&g, at);
            *g.out.add(at) = sum.reduce();
        }
    }
}

#[inline(always)]
unsafe fn gather_rows<V: Lanes, E: Element, const SCALED: bool, const N: usize>(
    g: &Gather<'_, E>,
    at: usize,
) -> [V; N] {
    // SAFETY: the last step of a row reads up to fifteen values of the next one, or of the slack
    // behind the last one, and zeroes those lanes.
    unsafe {
        let rows: [*const E; N] =
            std::array::from_fn(|i| g.rows.add(g.ids[at + i] as usize * g.dim));
        let scales: [V; N] = std::array::from_fn(|i| {
            V::splat(if SCALED {
                *g.scales.add(g.ids[at + i] as usize)
            } else {
                1.0
            })
        });
        let mut sums = [V::splat(0.0); N];
        let whole = g.dim - g.dim % LANES;
        let mut j = 0;
        while j < whole {
            let q = V::load(g.query.add(j));
            for i in 0..N {
                let mut x = E::load::<V>(rows[i].add(j));
                if SCALED {
                    x = x.mul(scales[i]);
                }
                let difference = x.sub(q);
                sums[i] = difference.mul_add(difference, sums[i]);
            }
            j += LANES;
        }
        let rest = g.dim - whole;
        if rest > 0 {
            let q = V::load(g.query.add(whole));
            for i in 0..N {
                let mut x = E::load::<V>(rows[i].add(whole)).first(rest);
                if SCALED {
                    x = x.mul(scales[i]);
                }
                let difference = x.sub(q);
                sums[i] = difference.mul_add(difference, sums[i]);
            }
        }
        sums
    }
}

/// Two blocks of rows, each row `width` floats, a multiple of sixteen.
#[derive(Clone, Copy)]
pub(crate) struct Pairs {
    pub(crate) queries: *const f32,
    pub(crate) query_count: usize,
    pub(crate) rows: *const f32,
    pub(crate) row_count: usize,
    pub(crate) width: usize,
    /// Query i, row j at `out[i * stride + j]`.
    pub(crate) out: *mut f32,
    pub(crate) stride: usize,
}

/// Squared distances of all pairs, summed as in [`gather`], Q × R pairs at a time.
///
/// # Safety
/// As for [`Lanes`]; the pointers of `p` hold what its counts say.
#[inline(always)]
pub(crate) unsafe fn pairs<V: Lanes, const Q: usize, const R: usize>(p: Pairs) {
    const { assert!(R.is_multiple_of(4)) };
    let tiled = p.query_count - p.query_count % Q;
    // SAFETY: the ranges cover all queries, each once.
    unsafe {
        for query in (0..tiled).step_by(Q) {
            pairs_of_queries::<V, Q, R>(&p, query);
        }
        for query in tiled..p.query_count {
            pairs_of_queries::<V, 1, R>(&p, query);
        }
    }
}

/// Squared distances of Q queries to all rows.
#[inline(always)]
unsafe fn pairs_of_queries<V: Lanes, const Q: usize, const R: usize>(p: &Pairs, query: usize) {
    let tiled = p.row_count - p.row_count % R;
    for row in (0..tiled).step_by(R) {
        // SAFETY: Q queries from `query` on and R rows from `row` on are there.
        unsafe {
            let sums = pairs_tile::<V, Q, R>(p, query, std::array::from_fn(|i| row + i));
            for (i, sums) in sums.iter().enumerate() {
                let out = p.out.add((query + i) * p.stride + row);
                out.cast::<[f32; R]>().write_unaligned(*sums);
            }
        }
    }
    if tiled < p.row_count {
        // SAFETY: as above; the last row stands in for those that are missing, and only results of
        // real rows are written.
        unsafe {
            let rows = std::array::from_fn(|i| (tiled + i).min(p.row_count - 1));
            let sums = pairs_tile::<V, Q, R>(p, query, rows);
            for (i, sums) in sums.iter().enumerate() {
                for (j, sum) in sums.iter().enumerate().take(p.row_count - tiled) {
                    *p.out.add((query + i) * p.stride + tiled + j) = *sum;
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn pairs_tile<V: Lanes, const Q: usize, const R: usize>(
    p: &Pairs,
    query: usize,
    rows: [usize; R],
) -> [[f32; R]; Q] {
    // SAFETY: the caller names queries and rows that there are.
    unsafe {
        let queries: [*const f32; Q] =
            std::array::from_fn(|i| p.queries.add((query + i) * p.width));
        let rows = rows.map(|i| p.rows.add(i * p.width));
        let mut sums = [[V::splat(0.0); R]; Q];
        let mut j = 0;
        while j < p.width {
            let q: [V; Q] = std::array::from_fn(|i| V::load(queries[i].add(j)));
            for r in 0..R {
                let x = V::load(rows[r].add(j));
                for i in 0..Q {
                    let difference = x.sub(q[i]);
                    sums[i][r] = difference.mul_add(difference, sums[i][r]);
                }
            }
            j += LANES;
        }
        let mut out = [[0.0; R]; Q];
        for i in 0..Q {
            let mut r = 0;
            while r < R {
                let four = V::reduce4(std::array::from_fn(|j| sums[i][r + j]));
                out[i][r..r + 4].copy_from_slice(&four);
                r += 4;
            }
        }
        out
    }
}

/// One bit per value, set when it is not negative: sixteen values to a word.
///
/// # Safety
/// As for [`Lanes`]; `values` has 16 × `words` floats readable, `out` `words` words writable.
#[inline(always)]
pub(crate) unsafe fn signs<V: Lanes>(values: *const f32, words: usize, out: *mut u16) {
    for i in 0..words {
        // SAFETY: i < words.
        unsafe { *out.add(i) = V::load(values.add(i * LANES)).not_negative() };
    }
}

/// The floor of each value, within ±2³⁰.
///
/// # Safety
/// As for [`Lanes`]; 16 × `blocks` values are readable and writable.
#[inline(always)]
pub(crate) unsafe fn floors<V: Lanes>(values: *const f32, blocks: usize, out: *mut i32) {
    for i in 0..blocks {
        // SAFETY: i < blocks.
        unsafe { V::load(values.add(i * LANES)).store_floor(out.add(i * LANES)) };
    }
}

/// Largest absolute value, as the bits of a float; NaN counts as more than infinity.
///
/// # Safety
/// The CPU has the instruction set of the calling function.
#[inline(always)]
pub(crate) unsafe fn magnitude(values: &[f32]) -> u32 {
    // Without its sign bit a float orders like an integer.
    values
        .iter()
        .fold(0, |most, x| most.max(x.to_bits() & (u32::MAX >> 1)))
}

/// Place of the smallest value, the first of equal ones; 0 when there is none but NaN.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn smallest<V: Lanes>(values: &[f32]) -> usize {
    let (blocks, rest) = values.as_chunks::<LANES>();
    // SAFETY: blocks have sixteen values.
    unsafe {
        // Two chains, each of which waits for itself alone. What is NaN is passed over.
        let mut lanes = [V::splat(f32::INFINITY); 2];
        let (pairs, last) = blocks.as_chunks::<2>();
        for [a, b] in pairs {
            lanes[0] = V::load(a.as_ptr()).min(lanes[0]);
            lanes[1] = V::load(b.as_ptr()).min(lanes[1]);
        }
        for block in last {
            lanes[0] = V::load(block.as_ptr()).min(lanes[0]);
        }
        let least = smallest_lane(lanes[0].min(lanes[1]));
        let least = rest.iter().fold(least, |a, b| a.min(*b));
        let limit = V::splat(least);
        for (i, block) in blocks.iter().enumerate() {
            let holds = V::load(block.as_ptr()).below(limit);
            if holds != 0 {
                return i * LANES + holds.trailing_zeros() as usize;
            }
        }
        let within = rest.iter().position(|x| *x == least);
        within.map_or(0, |within| blocks.len() * LANES + within)
    }
}

/// Σ factor × value, wrapping, for each run of as many values as there are factors.
///
/// # Safety
/// The CPU has the instruction set of the calling function.
#[inline(always)]
pub(crate) unsafe fn sums(values: &[i32], factors: &[u64], out: &mut [u64]) {
    for (run, sum) in values.chunks_exact(factors.len()).zip(out) {
        *sum = run.iter().zip(factors).fold(0, |sum, (value, factor)| {
            sum.wrapping_add((i64::from(*value) as u64).wrapping_mul(*factor))
        });
    }
}
