// Strict TypeScript, CommonJS.
import nearhash = require('nearhash')

const index: nearhash.SRP = new nearhash.SRP({ nProjections: 4, nHashTables: 1 })
index.fitSync([[1, 2, 0], [2, 4, 1], [-3, 1, 2]])
const found: nearhash.Neighbors = index.searchSync([1, 2, 0], { k: 1 })
console.log(JSON.stringify({ ids: [...found.at(0).ids] }))
