import { call } from './calls.js'
import { native } from './native.js'
import { finite, integer } from './options.js'

/** What theory says about collisions. Plain functions of numbers. */
export namespace stats {
  /**
   * Probability that one p-stable hash of width r puts two points at this Euclidean distance together.
   *
   * @param r Bucket width, above 0.
   * @param distance From 0.
   * @example
   * console.log(stats.collisionProbL2(4, 1).toFixed(4))
   * // 0.8005
   */
  export function collisionProbL2(r: number, distance: number): number {
    finite('r', r, 'a finite number above 0')
    finite('distance', distance, 'a finite number from 0')
    return call(() => native.collisionProbL2(r, distance))
  }

  /**
   * Probability that one sign hash agrees for two vectors of this cosine similarity: 1 - angle / pi.
   *
   * @param similarity From -1 to 1.
   * @example
   * console.log(stats.collisionProbCosine(0))
   * // 0.5
   */
  export function collisionProbCosine(similarity: number): number {
    finite('similarity', similarity, 'a number from -1 to 1')
    return call(() => native.collisionProbCosine(similarity))
  }

  /**
   * Probability of meeting in at least one of L tables of k hashes: 1 - (1 - p1^k)^L.
   *
   * @param p1 Collision probability of one hash, 0 to 1.
   * @param k Hashes per table, from 1.
   * @param l Tables, from 1.
   * @example
   * console.log(stats.detProbQuery(0.9, 10, 20).toFixed(4))
   * // 0.9998
   */
  export function detProbQuery(p1: number, k: number, l: number): number {
    finite('p1', p1, 'a number from 0 to 1')
    integer('k', k, 1, MAX_UINT32)
    integer('l', l, 1, MAX_UINT32)
    return call(() => native.detProbQuery(p1, k, l))
  }

  /**
   * Fewest tables for a success probability of 1 - delta.
   *
   * @param delta Allowed probability of missing, between 0 and 1.
   * @param p1 Collision probability of one hash, 0 to 1.
   * @param k Hashes per table, from 1.
   * @example
   * console.log(stats.estimateL(0.05, 0.9, 10))
   * // 7
   */
  export function estimateL(delta: number, p1: number, k: number): number {
    finite('delta', delta, 'a number between 0 and 1')
    finite('p1', p1, 'a number from 0 to 1')
    integer('k', k, 1, MAX_UINT32)
    return call(() => native.estimateL(delta, p1, k))
  }
}

const MAX_UINT32 = 2 ** 32 - 1
