// The same package through require, which Node gives to ES modules without top-level await.

import nearhash = require('nearhash')

const index: nearhash.L2 = new nearhash.L2({ nProjections: 15, nHashTables: 20, r: 4 })
const options: nearhash.PredictOptions = { topK: 5, onlyIndex: true }
const results: nearhash.QueryResult[] = index.predictSync({ data: new Float32Array(64), shape: [1, 64] }, options)
const probability: number = nearhash.stats.collisionProbL2(4, 1)
const promise: Promise<nearhash.Neighbors> = nearhash.knn([[1, 2]], [[1, 2]], { k: 1, metric: 'cosine' })
// @ts-expect-error there is no default export
nearhash.default

void [results, probability, promise]
