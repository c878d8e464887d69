import { searchClip } from '../thresholds/clip-search.ts';
import { fullRange } from '../thresholds/decide.ts';
import { type Divergence, jensenShannon, kullbackLeibler, symmetricKl } from '../thresholds/divergence.ts';
import { magnitudesOf } from './magnitudes.ts';
import { bounded, type PooledMethod } from './method.ts';

/** Bins from one candidate to the next, of the 1024 to 2048 that the largest magnitude reaches. */
const STEP = 8;

/** The clip length of least divergence, finer than the eras' sixteen candidates (bm1684-tools.md 9.2, 9.3). */
function leastDivergence(divergence: Divergence): PooledMethod {
  return (distribution) => {
    const { counts, width } = magnitudesOf(distribution, 1);
    const used = counts.subarray(0, 1 + counts.findLastIndex((count) => count > 0));
    const bins = searchClip(used, { divergence, step: STEP });
    return bounded(distribution, bins === undefined ? fullRange(distribution) : bins * width);
  };
}

export const pooledKl: PooledMethod = leastDivergence(kullbackLeibler);
export const pooledSymkl: PooledMethod = leastDivergence(symmetricKl);
export const pooledJsd: PooledMethod = leastDivergence(jensenShannon);
