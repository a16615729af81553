/** @type {import('./rival.mjs').Rival} */
export const NUMPY_EXACT = {
  id: 'numpy',
  name: 'NumPy/BLAS exact',
  runtime: 'python',
  adapter: 'numpy_exact.py',
  parallel: true,
  plans: () => [{ name: 'float rows', options: {}, settings: () => [{}], exact: true }],
}
