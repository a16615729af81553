/**
 * What the benchmark knows of a system before it runs: its name, how to start it and what to try.
 *
 * @typedef {object} Rival
 * @property {string} id as typed after --rivals
 * @property {string} name as shown
 * @property {'node' | 'python' | 'rust'} runtime what its worker runs on
 * @property {string} adapter the file in this folder that drives it: an .mjs with `open`, or a .py with `open_rival`; or the name of an example of the engine
 * @property {Readonly<Record<string, string>>} [environment] variables that its worker is started with
 * @property {boolean} batches whether it takes several queries in one call
 * @property {boolean} parallel whether it builds or answers on several threads
 * @property {(task: Task) => Plan[]} plans indexes worth building for such points; none where it can't serve them
 */

/**
 * @typedef {object} Task
 * @property {number} rows
 * @property {number} dim
 * @property {'euclidean' | 'cosine'} metric
 * @property {boolean} integers whether the points are 8-bit unsigned integers
 * @property {boolean} quick fewer plans and settings
 */

/**
 * One index of a rival, and the settings to ask it with.
 *
 * @typedef {object} Plan
 * @property {string} name unique within the rival, such as 'M = 16'
 * @property {Readonly<Record<string, unknown>>} options of the build
 * @property {(k: number) => Setting[]} settings to search with for k neighbours, from quick to thorough
 * @property {boolean} [exact] finds everything by its nature, so one setting is all
 */

/** @typedef {Readonly<Record<string, number>>} Setting */

/**
 * What a worker is given to work with. Points and queries come twice: as they are, and as rows of single
 * precision for systems that take nothing else. The latter have length 1 where the metric is cosine, so that
 * Euclidean order is the same.
 *
 * @typedef {object} Material
 * @property {string} points path of a .npy file
 * @property {string} queries path of a .npy file
 * @property {string} floatPoints path of a .npy file
 * @property {string} floatQueries path of a .npy file
 * @property {'euclidean' | 'cosine'} metric
 * @property {number} threads
 * @property {string} scratch a folder of the worker's own that is removed afterwards
 * @property {string} [redis] URL of a server
 */

/**
 * An opened system in a worker on Node.
 *
 * @typedef {object} Adapter
 * @property {{ version: string, build: string }} about version and how it was compiled, as far as known
 * @property {true} [remote] works in another process, whose CPU time can't be seen: time on the clock stands for it
 * @property {(options: any) => BuildStep | Promise<BuildStep>} prepare reads and converts what a build needs; not timed
 */

/** @typedef {() => Built | Promise<Built>} BuildStep the build itself; timed */

/**
 * @typedef {object} Built
 * @property {() => Footprint | Promise<Footprint>} footprint
 * @property {(setting: any, k: number) => Search | Promise<Search>} search makes ready for a pass of searches with a setting; called before every pass, not timed
 * @property {() => unknown} [dispose]
 */

/**
 * @typedef {object} Footprint
 * @property {number} bytes of the index with its own copy of the points, if it has one
 * @property {number} rowBytes of these the copy's
 * @property {string} basis where the number comes from
 */

/**
 * @typedef {object} Search
 * @property {(query: number) => unknown} one answers one query, given by its row; timed. A promise is waited for
 * @property {(result: any) => ArrayLike<number | bigint>} ids reads row numbers from a result of `one`
 * @property {(count: number) => unknown} [all] answers the first queries in one call; timed
 */

export {}
