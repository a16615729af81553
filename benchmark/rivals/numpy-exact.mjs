/** @type {import('./rival.mjs').Rival} */
export const NUMPY_EXACT = {
  id: 'numpy',
  name: 'NumPy/BLAS exact',
  runtime: 'python',
  adapter: 'numpy_exact.py',
  batches: true,
  parallel: true,
  plans: () => [{ name: 'float rows', options: {}, settings: () => [{}], exact: true }],
}
