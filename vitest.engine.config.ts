import { defineConfig, mergeConfig } from 'vitest/config'
import shared from './vitest.config.js'

/** Tests against real search engines, which `npm run test:engine` starts. */
export default mergeConfig(
  { ...shared, test: { ...shared.test, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: ['__test__/search-engine/servers/**/*.test.ts', '__test__/search-engine/nodes/**/*.test.ts'],
      // One server for all.
      fileParallelism: false,
      testTimeout: 300_000,
      hookTimeout: 600_000,
    },
  }),
)
