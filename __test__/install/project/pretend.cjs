// Preloaded with node --require: this process takes itself for another platform, named by PRETEND_PLATFORM as npm
// names it, for instance linux-x64-musl.
const fs = require('node:fs')

const [platform, arch, libc] = process.env.PRETEND_PLATFORM.split('-')
Object.defineProperty(process, 'platform', { value: platform })
Object.defineProperty(process, 'arch', { value: arch })

if (platform === 'linux') {
  const { readFileSync } = fs
  // Alpine's ldd is a script or missing; either way it doesn't speak of glibc.
  fs.readFileSync = (file, ...rest) => {
    if (file !== '/usr/bin/ldd') return readFileSync(file, ...rest)
    throw Object.assign(new Error('ENOENT: no such file or directory'), { code: 'ENOENT' })
  }
  const report = process.report.getReport()
  process.report.getReport = () => ({
    ...report,
    header: { ...report.header, glibcVersionRuntime: libc === 'musl' ? undefined : '2.17' },
    sharedObjects: libc === 'musl' ? [`/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`] : ['/lib64/libc.so.6'],
  })
}
