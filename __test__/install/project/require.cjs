// CommonJS: Node's own require of ES modules.
const { L2, NearhashError, cdist } = require('nearhash')

;(async () => {
  const index = await new L2({ nProjections: 4, nHashTables: 8, r: 4 }).fit([[0, 0], [1, 0], [0, 1], [9, 9]])
  const { ids } = (await index.search([0.75, 0], { k: 2 })).at(0)
  const { data } = await cdist([[0, 0]], [[3, 4]])
  try {
    new L2({ nProjections: 65 })
  } catch (error) {
    console.log(JSON.stringify({ ids: [...ids], distance: data[0], code: error instanceof NearhashError && error.code }))
  }
})()
