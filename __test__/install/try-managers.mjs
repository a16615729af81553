// The package managers besides npm.

import { example, must, NODE, platformsIn, program, project, versionOf } from './installed.mjs'

/** @param {import('./run.mjs').Bench} bench */
export async function tryManagers(bench) {
  const { table, registry, native } = bench

  for (const tool of ['pnpm10', 'pnpm']) {
    await table.try('package manager', tool === 'pnpm' ? 'pnpm' : 'pnpm 10', async () => {
      // The newer one wants a Node newer than the oldest that nearhash runs on.
      const node = tool === 'pnpm' ? program(bench, 'node24', 'bin', 'node') : NODE
      const folder = project(bench, tool, { 'pnpm-workspace.yaml': 'minimumReleaseAge: 0\n' })
      await must(bench, folder, [node, program(bench, tool, 'bin', tool === 'pnpm' ? 'pnpm.mjs' : 'pnpm.cjs'), 'add', 'nearhash'], { node })
      return `${versionOf(bench, tool)}; kernels: ${await example(bench, folder, [node, 'example.mjs'], { node })}`
    })
  }

  await table.try('package manager', 'Yarn 1', async () => {
    const folder = project(bench, 'yarn-classic')
    await must(bench, folder, [NODE, program(bench, 'yarn', 'bin', 'yarn.js'), 'add', 'nearhash', '--registry', registry.url])
    // It doesn't know "libc": on Linux it installs the packages of both, and the loader takes the right one.
    const installed = platformsIn(folder)
    if (!installed.includes(native)) throw new Error(`installed: ${installed.join(', ') || 'nothing'}`)
    const kernels = await example(bench, folder, [NODE, 'example.mjs'])
    return `${versionOf(bench, 'yarn')}; kernels: ${kernels}; installs ${installed.length} platform packages, as it doesn't know "libc"`
  })

  for (const linker of ['node-modules', 'pnp']) {
    await table.try('package manager', `Yarn 4, ${linker}`, async () => {
      const yarn = program(bench, '@yarnpkg/cli-dist', 'bin', 'yarn.js')
      const folder = project(bench, `yarn-${linker}`, {
        'yarn.lock': '',
        '.yarnrc.yml': [
          `npmRegistryServer: "${registry.url.replace(/\/$/, '')}"`,
          'unsafeHttpWhitelist: ["127.0.0.1"]',
          `nodeLinker: ${linker}`,
          'enableGlobalCache: false',
          'enableTelemetry: false',
          'npmMinimalAgeGate: 0',
          '',
        ].join('\n'),
      })
      await must(bench, folder, [NODE, yarn, 'add', 'nearhash'])
      return `${versionOf(bench, '@yarnpkg/cli-dist')}; kernels: ${await example(bench, folder, [NODE, yarn, 'node', 'example.mjs'])}`
    })
  }
}
