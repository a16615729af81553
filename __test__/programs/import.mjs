import { L2 } from 'nearhash'

const index = await new L2({ nProjections: 1, nHashTables: 1, r: 100 }).fit([[0, 0], [3, 4]])
const found = await index.search([[3, 3]], { k: 2 })
console.log(found.ids.join())
