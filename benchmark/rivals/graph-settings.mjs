const WIDTHS = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 450, 640]
const QUICK_WIDTHS = [10, 20, 40, 80, 160]

/**
 * Widths of the candidate list (ef) for searches in a navigable graph.
 *
 * @param {boolean} quick
 * @returns {(k: number) => { ef: number }[]} none below k, which libraries would raise to k
 */
export function graphSettings(quick) {
  return (k) => {
    const widths = (quick ? QUICK_WIDTHS : WIDTHS).filter((ef) => ef >= k)
    return (widths[0] === k || k < WIDTHS[0] ? widths : [k, ...widths]).map((ef) => ({ ef }))
  }
}

/** Candidates considered for each link while building, as hnswlib's and FAISS's own benchmarks have it. */
export const EF_CONSTRUCTION = 200
