import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { flavour, version } from '../servers/server.js'

it('a search engine ends, and its folder goes, when the process that started it is killed', async () => {
  const program = fileURLToPath(new URL('../programs/start-cluster.mjs', import.meta.url))
  const starter = spawn(process.execPath, [program, flavour, version], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(starter.stdout, 'data')) as [Buffer]
  const { folder, nodes } = JSON.parse(line.toString()) as { folder: string; nodes: { url: string; pid: number }[] }
  expect(existsSync(folder)).toBe(true)
  expect((await fetch(`${nodes[0]!.url}/_cluster/health`)).status).toBe(200)

  starter.kill('SIGKILL')
  while (existsSync(folder)) await sleep(100)
  await expect(fetch(`${nodes[0]!.url}/_cluster/health`)).rejects.toThrow('fetch failed')
  for (const { pid } of nodes) expect(() => process.kill(-pid, 0)).toThrow('ESRCH')
})
