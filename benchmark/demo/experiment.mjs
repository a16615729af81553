import { cdist, cdistSync, knn, knnSync, L2, SRP } from 'nearhash'
import { countZeroRows, firstRows } from '../datasets/collection.mjs'
import { DataError } from '../datasets/data-error.mjs'
import { findsFirst, mean, recallAt, withoutId } from '../measure/accuracy.mjs'
import { summarise, timeRuns } from '../measure/timing.mjs'

/**
 * @typedef {import('../datasets/collection.mjs').Matrix} Matrix
 * @typedef {import('../measure/accuracy.mjs').Answer} Answer
 * @typedef {import('../measure/timing.mjs').Timing} Timing
 */

/**
 * One index, fitted and asked.
 *
 * @typedef {object} Trial
 * @property {'base' | 'multi-probe'} probing
 * @property {number} nProjections k
 * @property {number} nHashTables L
 * @property {number} probes budget: further buckets a table; 0 for base
 * @property {number} firstInTop5 share of queries whose true first neighbour is among the first five
 * @property {number} recallAt10
 * @property {number} collisions mean distinct points met a query, the query's own row not counted
 * @property {Timing} fit
 * @property {Timing} predict one call with all queries
 * @property {number} speedUp over cdist
 * @property {number} speedUpOverKnn over exact k-NN search
 */

/**
 * @typedef {object} FamilyResult
 * @property {'L2' | 'SRP'} family
 * @property {'euclidean' | 'cosine'} metric
 * @property {'blocking' | 'promise'} calls how queries and exact search were called: blocking, or as promises where that would block too long
 * @property {{ cdist: Timing, knn: Timing }} exact one call with all queries
 * @property {Trial[]} trials
 */

/**
 * @typedef {object} Experiment
 * @property {number} rows
 * @property {number} dim
 * @property {number} queries
 * @property {number} neighbours of which recall@10 counts: 10, or all there are in a tiny set
 * @property {number} meanDistance of the queries to all other points, in the data's units
 * @property {number} R the distance of interest, meanDistance / 2.5
 * @property {number} nearShare share of the queries whose true first neighbour is nearer than 1 after scaling by 1 / R
 * @property {number} r bucket width of L2, in scaled units
 * @property {number} seed
 * @property {FamilyResult[]} families
 * @property {string[]} notes what was left out, and why
 */

/**
 * @typedef {object} ExperimentSettings
 * @property {number} queries
 * @property {readonly number[]} l2Projections
 * @property {readonly number[]} srpProjections
 * @property {readonly number[]} tables
 * @property {readonly number[]} probes
 * @property {number} seed
 */

/** The distance of interest is the mean distance over this; bucket width r is in its units. */
const MEAN_OVER_R = 2.5
const BUCKET_WIDTH = 4
const NEIGHBOURS = 10

const EXACT_RUNS = { warmUps: 1, minRuns: 5, maxRuns: 31, enough: 400 }
const PREDICT_RUNS = { warmUps: 2, minRuns: 5, maxRuns: 51, enough: 250 }
const FIT_RUNS = { warmUps: 0, minRuns: 3, maxRuns: 9, enough: 200 }

/** Milliseconds: a call that takes longer must be one that Ctrl-C can stop. */
const LONGEST_BLOCKING_CALL = 1000

/**
 * The experiment of floky's notebook. The first rows are the queries, each one's own row ignored in
 * every answer. Exact distances are timed in the same run, before and after the indexes, on the same
 * scaled single-precision points and the same threads. Every trial is a new index.
 *
 * Queries and exact search are timed in blocking calls: a promise call copies its points first, which an
 * index has done at fit, but exact search would have to pay for each time.
 *
 * @param {Matrix} points
 * @param {ExperimentSettings} settings
 * @param {{ onProgress?: (progress: { stage: string, done: number, total: number }) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<Experiment>}
 * @throws {DataError} when there are fewer rows than queries, or nothing to tell apart
 */
export async function runExperiment(points, settings, { onProgress, signal } = {}) {
  const [rows, dim] = points.shape
  const { queries: queryCount, seed } = settings
  if (rows < 2) throw new DataError(`one point has no neighbours; at least 2 rows are needed`)
  if (queryCount > rows) throw new DataError(`${queryCount} queries are more than the ${rows} rows of the data`)

  const neighbours = Math.min(NEIGHBOURS, rows - 1)
  const zeroRows = countZeroRows(points)
  /** @type {string[]} */
  const notes = []
  const fewestTables = Math.min(...settings.tables)
  /** @type {{ family: 'L2' | 'SRP', metric: 'euclidean' | 'cosine', projections: readonly number[] }[]} */
  const families = [{ family: 'L2', metric: 'euclidean', projections: settings.l2Projections }]
  if (zeroRows === 0) {
    families.push({ family: 'SRP', metric: 'cosine', projections: settings.srpProjections })
  } else {
    notes.push(`SRP is left out: rows that are zero in every column (${zeroRows} of ${rows}) have no direction, so no cosine distance.`)
  }

  // Two rounds of exact search a family, and one step for R.
  const total = 1 + families.reduce((sum, { projections }) => (
    sum + 2 + projections.length * (settings.tables.length + settings.probes.length)
  ), 0)
  let done = 0
  /** @param {string} stage */
  const step = (stage) => onProgress?.({ stage, done: done++, total })

  step('distance of interest')
  const meanDistance = await meanDistanceToOthers(points, queryCount, signal)
  if (!(meanDistance > 0)) throw new DataError('all points are equal; there is nothing to find')
  const R = meanDistance / MEAN_OVER_R
  const scaled = scale(points, R)
  const queries = firstRows(scaled, queryCount)

  let nearShare = 0
  /** @type {FamilyResult[]} */
  const results = []
  for (const { family, metric, projections } of families) {
    const exactOptions = { metric, signal }
    const k = neighbours + 1
    step(`${family}: exact search`)
    const [firstCall] = await timeRuns(() => cdist(queries, scaled, exactOptions), { warmUps: 0, minRuns: 1, maxRuns: 1, enough: 0, signal })
    const calls = firstCall > LONGEST_BLOCKING_CALL ? 'promise' : 'blocking'
    const exactCdist = calls === 'promise' ? () => cdist(queries, scaled, exactOptions) : () => cdistSync(queries, scaled, { metric })
    const exactKnn = calls === 'promise' ? () => knn(scaled, queries, { k, ...exactOptions }) : () => knnSync(scaled, queries, { k, metric })
    const exactRuns = { cdist: /** @type {number[]} */ ([]), knn: /** @type {number[]} */ ([]) }
    const timeExact = async () => {
      exactRuns.cdist.push(...await timeRuns(exactCdist, { ...EXACT_RUNS, signal }))
      exactRuns.knn.push(...await timeRuns(exactKnn, { ...EXACT_RUNS, signal }))
    }

    await timeExact()
    const truth = Array.from(await knn(scaled, queries, { k, ...exactOptions }), (answer, query) => withoutId(answer, query))
    if (family === 'L2') nearShare = mean(truth.map(({ distances }) => (distances[0] < 1 ? 1 : 0)))

    /** @type {Omit<Trial, 'speedUp' | 'speedUpOverKnn'>[]} */
    const measured = []
    for (const nProjections of projections) {
      const plans = [
        ...settings.tables.map((nHashTables) => ({ nHashTables, probes: 0, probing: /** @type {const} */ ('base') })),
        ...settings.probes.map((probes) => ({ nHashTables: fewestTables, probes, probing: /** @type {const} */ ('multi-probe') })),
      ]
      for (const { nHashTables, probes, probing } of plans) {
        const asked = probing === 'base' ? `L = ${nHashTables}` : `L = ${nHashTables}, ${probes} probes`
        step(`${family}: k = ${nProjections}, ${asked}`)
        const options = { nProjections, nHashTables, seed }
        const createIndex = () => {
          const index = family === 'L2' ? new L2({ ...options, r: BUCKET_WIDTH }) : new SRP(options)
          return probing === 'base' ? index.base() : index.multiProbe(probes)
        }
        measured.push({
          probing, nProjections, nHashTables, probes,
          ...await tryIndex(createIndex, { data: scaled, queries, truth, neighbours, calls, signal }),
        })
      }
    }

    step(`${family}: exact search again`)
    await timeExact()
    const exact = { cdist: summarise(exactRuns.cdist), knn: summarise(exactRuns.knn) }
    const trials = measured.map((trial) => ({
      ...trial,
      speedUp: exact.cdist.median / trial.predict.median,
      speedUpOverKnn: exact.knn.median / trial.predict.median,
    }))
    results.push({ family, metric, calls, exact, trials })
  }
  onProgress?.({ stage: 'done', done: total, total })
  return { rows, dim, queries: queryCount, neighbours, meanDistance, R, nearShare, r: BUCKET_WIDTH, seed, families: results, notes }
}

/**
 * @param {() => SRP | L2} createIndex
 * @param {{ data: Matrix, queries: Matrix, truth: Answer[], neighbours: number, calls: 'blocking' | 'promise', signal?: AbortSignal }} task
 * @returns {Promise<Pick<Trial, 'firstInTop5' | 'recallAt10' | 'collisions' | 'fit' | 'predict'>>}
 */
async function tryIndex(createIndex, { data, queries, truth, neighbours, calls, signal }) {
  let index = createIndex()
  try {
    const fit = await timeRuns(async () => {
      // A second fit of one index would reuse its memory; each run begins with nothing.
      index.dispose()
      index = createIndex()
      await index.fit(data, { signal })
    }, { ...FIT_RUNS, signal })

    // One more than wanted, because each query finds its own row.
    const options = { topK: neighbours + 1, onlyIndex: true }
    const predictions = await index.predict(queries, { ...options, signal })
    const predict = await timeRuns(
      calls === 'promise' ? () => index.predict(queries, { ...options, signal }) : () => index.predictSync(queries, options),
      { ...PREDICT_RUNS, signal },
    )
    const answers = predictions.map(({ index: ids, distances }, query) => withoutId({ ids, distances }, query))
    return {
      firstInTop5: mean(answers.map((answer, query) => (findsFirst(truth[query], answer, 5) ? 1 : 0))),
      recallAt10: mean(answers.map((answer, query) => recallAt(truth[query], answer, neighbours))),
      // A query meets its own row in every table.
      collisions: mean(predictions.map(({ nCollisions }) => nCollisions - 1)),
      fit: summarise(fit),
      predict: summarise(predict),
    }
  } finally {
    index.dispose()
  }
}

/**
 * @param {Matrix} points
 * @param {number} queryCount
 * @param {AbortSignal} [signal]
 * @returns {Promise<number>} mean Euclidean distance of the first rows to all rows but themselves
 */
async function meanDistanceToOthers(points, queryCount, signal) {
  const { data: distances, shape: [, rows] } = await cdist(firstRows(points, queryCount), points, { metric: 'euclidean', signal })
  let sum = 0
  for (const distance of distances) sum += distance
  // Each row's distance to itself is 0 and adds nothing to the sum.
  return sum / (queryCount * (rows - 1))
}

/** @param {Matrix} points @param {number} unit @returns {Matrix} single precision, in that unit */
function scale({ data, shape }, unit) {
  const scaled = new Float32Array(data.length)
  for (let place = 0; place < data.length; place++) scaled[place] = data[place] / unit
  return { data: scaled, shape }
}
