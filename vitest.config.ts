import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    // They need a search engine: npm run test:engine.
    exclude: [...configDefaults.exclude, '__test__/search-engine/servers/**', '__test__/search-engine/nodes/**'],
    // A process a file: the add-on is loaded and unloaded for real.
    pool: 'forks',
    // Far above what any test needs, also on a slow machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The package is imported by Node itself, as a user's program would.
    server: { deps: { external: [/\/dist\//] } },
    env: { NEARHASH_FAULT_INJECTION: '1' },
  },
})
