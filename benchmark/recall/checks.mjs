import { knn, L2, SRP, stats } from 'nearhash'
import { countZeroRows, firstRows } from '../datasets/collection.mjs'
import { mean, recallAt } from '../measure/accuracy.mjs'
import { exactDistance, isSameDistance } from '../measure/exact-distance.mjs'

/**
 * @typedef {import('../datasets/collection.mjs').Matrix} Matrix
 * @typedef {import('../datasets/evaluation-set.mjs').EvaluationSet} EvaluationSet
 * @typedef {import('../measure/accuracy.mjs').Answer} Answer
 * @typedef {'euclidean' | 'cosine'} Metric
 */

/**
 * One setting of one class on one set.
 *
 * @typedef {object} RecallRow
 * @property {string} family
 * @property {number} nProjections
 * @property {number} nHashTables
 * @property {number} probes
 * @property {number} recall at 10
 * @property {number} [expected] what theory says for this setting and these neighbours; base only
 * @property {number} collisions mean candidates a query
 * @property {number} millisecondsPerQuery
 */

/** @typedef {{ rows: RecallRow[], failures: string[], notes: string[] }} SetResult */

const NEIGHBOURS = 10
const TABLES = [5, 10, 20, 50]
const PROBES = [0, 5, 20, 100]
/** Calls of onProgress a set. */
export const STEPS = 1 + 2 * (1 + TABLES.length + PROBES.length)
/**
 * One draw of hash functions serves all queries, so its luck doesn't average out over queries, only over
 * draws: theory is held against the mean of several.
 */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]
/** Of this mean. With 8 draws chance alone goes so far once in 600 times. */
const STANDARD_ERRORS = 5
/** Small samples can look too sure of themselves. */
const LEAST_TOLERANCE = 0.01
/** Queries whose neighbours are found again by a plain loop where the set brings none. */
const LOOP_QUERIES = 20

/**
 * Checks exact search, SRP and L2 on one set: given neighbours against exact search, recall against
 * theory, its rise with tables and probes, and every distance against the plain formula.
 *
 * @param {EvaluationSet} set
 * @param {{ onProgress?: (stage: string) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<SetResult>}
 */
export async function checkSet(set, { onProgress, signal } = {}) {
  /** @type {string[]} */
  const failures = []
  onProgress?.('exact search')
  const truth = await checkExactSearch(set, failures, signal)

  const notes = [truth.description]
  const zeroRows = countZeroRows(set.base) + countZeroRows(set.queries)
  if (zeroRows > 0) notes.push(`SRP is left out: rows that are zero in every column (${zeroRows}) have no direction, so no cosine distance`)

  /** @type {RecallRow[]} */
  const rows = []
  for (const family of zeroRows > 0 ? /** @type {const} */ (['L2']) : /** @type {const} */ (['L2', 'SRP'])) {
    const metric = family === 'L2' ? 'euclidean' : 'cosine'
    const exact = metric === set.metric ? truth.answers : await findExact(set, metric, NEIGHBOURS, signal)
    const settings = chooseSettings(family, set, exact)
    onProgress?.(`${family}, theory`)
    await checkTheory(family, set, exact, { ...settings, nHashTables: TABLES[0] }, failures, signal)
    /** @type {RecallRow[]} */
    const base = []
    for (const nHashTables of TABLES) {
      onProgress?.(`${family}, ${nHashTables} tables`)
      base.push(await trySetting(family, set, exact, { ...settings, nHashTables, probes: 0 }, failures, signal))
    }
    /** @type {RecallRow[]} */
    const probing = []
    for (const probes of PROBES) {
      onProgress?.(`${family}, ${TABLES[0]} tables, ${probes} probes`)
      probing.push(await trySetting(family, set, exact, { ...settings, nHashTables: TABLES[0], probes }, failures, signal))
    }
    checkRise(base, probing, failures)
    rows.push(...base, ...probing.slice(1))
  }
  return { rows, failures, notes }
}

/**
 * @param {EvaluationSet} set
 * @param {string[]} failures
 * @param {AbortSignal} [signal]
 */
async function checkExactSearch(set, failures, signal) {
  const { metric, base, queries, neighbours: given } = set
  if (!given) {
    const answers = await findExact(set, metric, NEIGHBOURS, signal)
    const wrong = answers.slice(0, LOOP_QUERIES).filter((answer, query) => !isSameAnswer(set, query, answer, searchByLoop(set, query))).length
    if (wrong > 0) failures.push(`exact search differs from a plain loop in ${wrong} of ${LOOP_QUERIES} queries`)
    return { answers, description: `exact search agrees with a plain loop on ${Math.min(LOOP_QUERIES, queries.shape[0]) - wrong} queries` }
  }
  const [queryCount, k] = given.shape
  const answers = await findExact(set, metric, k, signal)
  let [wrong, ties] = [0, 0]
  for (let query = 0; query < queryCount; query++) {
    const ids = given.data.subarray(query * k, (query + 1) * k)
    if (ids.every((/** @type {number} */ id, /** @type {number} */ place) => id === answers[query].ids[place])) continue
    const isTie = isSameAnswer(set, query, answers[query], Array.from(ids, (id) => ({ id, distance: exactDistance(metric, queries, query, base, id) })))
    if (isTie) ties++
    else wrong++
  }
  if (wrong > 0) failures.push(`exact search differs from neighbors.npy in ${wrong} of ${queryCount} queries`)
  return { answers, description: `exact search equals neighbors.npy (${k} each) for ${queryCount - wrong} of ${queryCount} queries, ${ties} of them up to ties` }
}

/**
 * Whether exact search's answer is this one: at every place the same distance, so that other ids are ties.
 *
 * @param {EvaluationSet} set
 * @param {number} query
 * @param {Answer} answer
 * @param {readonly { id: number, distance: number }[]} expected
 */
function isSameAnswer({ metric, base, queries }, query, answer, expected) {
  if (answer.ids.length !== expected.length || new Set(Array.from(answer.ids)).size !== expected.length) return false
  return expected.every(({ distance }, place) => (
    isSameDistance(metric, exactDistance(metric, queries, query, base, answer.ids[place]), distance)
    && isSameDistance(metric, answer.distances[place], distance)
  ))
}

/** @param {EvaluationSet} set @param {number} query @returns {{ id: number, distance: number }[]} */
function searchByLoop({ metric, base, queries }, query) {
  const [rows] = base.shape
  const all = Array.from({ length: rows }, (_, id) => ({ id, distance: exactDistance(metric, queries, query, base, id) }))
  return all.sort((a, b) => a.distance - b.distance || a.id - b.id).slice(0, NEIGHBOURS)
}

/**
 * @param {EvaluationSet} set @param {Metric} metric @param {number} k @param {AbortSignal} [signal]
 * @returns {Promise<Answer[]>}
 */
async function findExact({ base, queries }, metric, k, signal) {
  return Array.from(await knn(base, queries, { k, metric, signal }))
}

/**
 * @param {'L2' | 'SRP'} family
 * @param {EvaluationSet} set
 * @param {readonly Answer[]} exact
 * @returns {{ nProjections: number, r?: number }} settings under which recall over TABLES runs from poor to good
 */
function chooseSettings(family, { base }, exact) {
  if (family === 'SRP') {
    // One bit halves a table. Buckets of some tens of points, were they equally full.
    return { nProjections: Math.max(1, Math.min(16, Math.round(Math.log2(base.shape[0] / 16)))) }
  }
  // Four times the distance to the tenth neighbour: one hash joins such a pair with probability .80, fifteen with .035.
  const tenth = mean(exact.map(({ distances }) => distances[distances.length < NEIGHBOURS ? distances.length - 1 : NEIGHBOURS - 1]))
  // All neighbours at distance 0 share every bucket, however wide.
  return { nProjections: 15, r: tenth > 0 ? 4 * tenth : 1 }
}

/**
 * @param {'L2' | 'SRP'} family
 * @param {EvaluationSet} set
 * @param {readonly Answer[]} exact
 * @param {{ nProjections: number, nHashTables: number, probes: number, r?: number }} setting
 * @param {string[]} failures
 * @param {AbortSignal} [signal]
 * @returns {Promise<RecallRow>}
 */
async function trySetting(family, { base, queries }, exact, setting, failures, signal) {
  const { nProjections, nHashTables, probes } = setting
  const name = `${family} k = ${nProjections}, L = ${nHashTables}, ${probes} probes`
  const index = createIndex(family, setting, SEEDS[0])
  try {
    if (probes > 0) index.multiProbe(probes)
    await index.fit(base, { signal })
    const start = performance.now()
    const predictions = await index.predict(queries, { topK: NEIGHBOURS, onlyIndex: true, signal })
    const milliseconds = performance.now() - start
    const answers = predictions.map(toAnswer)

    if (probes === 0) {
      index.multiProbe(0)
      const again = await index.predict(firstRows(queries, Math.min(100, queries.shape[0])), { topK: NEIGHBOURS, onlyIndex: true, signal })
      if (!again.every((prediction, query) => isEqual(prediction.index, answers[query].ids))) failures.push(`${name}: a budget of 0 differs from base`)
    }
    const metric = family === 'L2' ? 'euclidean' : 'cosine'
    const wrong = answers.filter((answer, query) => !hasExactDistances(metric, queries, query, base, answer)).length
    if (wrong > 0) failures.push(`${name}: distances are wrong or out of order in ${wrong} answers`)

    const recall = mean(answers.map((answer, query) => recallAt(exact[query], answer, NEIGHBOURS)))
    const expected = probes === 0 ? mean(exact.map(({ distances }) => expectedRecall(family, setting, distances))) : undefined
    return {
      family, nProjections, nHashTables, probes, recall, expected,
      collisions: mean(predictions.map(({ nCollisions }) => nCollisions)),
      millisecondsPerQuery: milliseconds / queries.shape[0],
    }
  } finally {
    index.dispose()
  }
}

/**
 * @param {'L2' | 'SRP'} family
 * @param {EvaluationSet} set
 * @param {readonly Answer[]} exact
 * @param {{ nProjections: number, nHashTables: number, r?: number }} setting
 * @param {string[]} failures
 * @param {AbortSignal} [signal]
 */
async function checkTheory(family, { base, queries }, exact, setting, failures, signal) {
  const expected = mean(exact.map(({ distances }) => expectedRecall(family, setting, distances)))
  /** @type {number[]} */
  const recalls = []
  for (const seed of SEEDS) {
    const index = createIndex(family, setting, seed)
    try {
      await index.fit(base, { signal })
      const predictions = await index.predict(queries, { topK: NEIGHBOURS, onlyIndex: true, signal })
      recalls.push(mean(predictions.map((prediction, query) => recallAt(exact[query], toAnswer(prediction), NEIGHBOURS))))
    } finally {
      index.dispose()
    }
  }
  const measured = mean(recalls)
  const variance = recalls.reduce((sum, recall) => sum + (recall - measured) ** 2, 0) / (SEEDS.length - 1)
  const tolerance = Math.max(LEAST_TOLERANCE, STANDARD_ERRORS * Math.sqrt(variance / SEEDS.length))
  if (Math.abs(measured - expected) > tolerance) {
    failures.push(
      `${family} k = ${setting.nProjections}, L = ${setting.nHashTables}: mean recall ${measured.toFixed(3)} over ${SEEDS.length} seeds `
      + `is farther than ${tolerance.toFixed(3)} from theory's ${expected.toFixed(3)}`,
    )
  }
}

/** @param {'L2' | 'SRP'} family @param {{ nProjections: number, nHashTables: number, r?: number }} setting @param {number} seed */
function createIndex(family, { nProjections, nHashTables, r }, seed) {
  const options = { nProjections, nHashTables, seed }
  return family === 'L2' ? new L2({ ...options, ...(r === undefined ? {} : { r }) }) : new SRP(options)
}

/** @param {{ index: Uint32Array, distances: Float32Array }} prediction @returns {Answer} */
function toAnswer({ index: ids, distances }) {
  return { ids, distances }
}

/**
 * Every candidate is ranked exactly, so a true neighbour is found if and only if it shares a bucket with
 * the query: recall is the mean of that probability over the true neighbours.
 *
 * @param {'L2' | 'SRP'} family
 * @param {{ nProjections: number, nHashTables: number, r?: number }} setting
 * @param {ArrayLike<number>} distances of the true neighbours
 */
function expectedRecall(family, { nProjections, nHashTables, r = Number.NaN }, distances) {
  return mean(Array.from(distances).slice(0, NEIGHBOURS).map((distance) => {
    const collides = family === 'L2' ? stats.collisionProbL2(r, distance) : stats.collisionProbCosine(1 - distance)
    return stats.detProbQuery(collides, nProjections, nHashTables)
  }))
}

/**
 * Whether an answer's distances are those of the plain formula, ascending, ties by id.
 *
 * @param {Metric} metric @param {Matrix} queries @param {number} query @param {Matrix} base @param {Answer} answer
 */
export function hasExactDistances(metric, queries, query, base, { ids, distances }) {
  for (let place = 0; place < ids.length; place++) {
    if (!isSameDistance(metric, distances[place], exactDistance(metric, queries, query, base, ids[place]))) return false
    if (place === 0) continue
    const inOrder = distances[place - 1] < distances[place] || (distances[place - 1] === distances[place] && ids[place - 1] < ids[place])
    if (!inOrder) return false
  }
  return true
}

/** @param {readonly RecallRow[]} base by tables @param {readonly RecallRow[]} probing by probes, from 0 @param {string[]} failures */
function checkRise(base, probing, failures) {
  for (const [place, row] of base.entries()) {
    // At the top there is nothing left to win.
    if (place > 0 && row.recall <= base[place - 1].recall && row.recall < 0.995) {
      failures.push(`${row.family}: recall doesn't rise from ${base[place - 1].nHashTables} to ${row.nHashTables} tables`)
    }
  }
  for (const [place, row] of probing.entries()) {
    if (place === 0) continue
    const previous = probing[place - 1]
    if (row.recall < previous.recall || (row.recall === previous.recall && row.recall < 0.995)) {
      failures.push(`${row.family}: recall doesn't rise from ${previous.probes} to ${row.probes} probes`)
    }
  }
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function isEqual(a, b) {
  return a.length === b.length && Array.from(a).every((value, place) => value === b[place])
}
