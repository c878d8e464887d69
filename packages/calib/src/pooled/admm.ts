import { searchAdmm } from '../thresholds/admm-search.ts';
import { fullRange } from '../thresholds/decide.ts';
import { weightedValues } from './magnitudes.ts';
import { bounded, type PooledMethod } from './method.ts';
import { octavOf } from './octav.ts';
import { magnitudeQuantile } from './percentile.ts';

const LEVELS = 127;
const PUBLISHED_START = 2.5;

/** Alternating minimisation on the bins instead of the values (bm1684-tools.md 9.4). */
export const pooledAdmm: PooledMethod = (distribution, bits) => {
  const absMax = fullRange(distribution);
  const bounds = [
    absMax / PUBLISHED_START,
    absMax,
    magnitudeQuantile(distribution, 0.9999),
    octavOf(distribution, bits),
  ];
  const scale = searchAdmm(
    weightedValues(distribution),
    bounds.map((bound) => bound / LEVELS),
  );
  return bounded(distribution, scale === 0 ? absMax : LEVELS * scale);
};
