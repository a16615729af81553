const { Worker, isMainThread } = require('node:worker_threads')
const { L2 } = require('nearhash')

if (isMainThread && process.argv[2] === 'worker') {
  new Worker(__filename)
} else {
  const index = new L2({ nProjections: 1, nHashTables: 1, r: 100 })
  index.fit([[0, 0], [3, 4]]).then(async () => console.log((await index.search([[3, 3]], { k: 2 })).ids.join()))
}
