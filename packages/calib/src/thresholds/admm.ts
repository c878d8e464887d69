import { octavThreshold } from '../statistics/octav.ts';
import { searchAdmm } from './admm-search.ts';
import type { ThresholdMethod } from './method.ts';

const LEVELS = 127;
/** Where the published algorithm starts: too small a scale, so that it grows. */
const PUBLISHED_START = 2.5;

/**
 * Alternating minimisation of the quantization error (bm1684-tools.md 9.4), on values that were kept as they are. Four
 * starts instead of one, because the rounds end long before a distribution without outliers has converged.
 */
export const admm: ThresholdMethod = {
  needs: { histogram: false, raw: true },
  choose({ raw, absMax, min, max }) {
    const magnitudes = raw!.map(Math.abs).sort();
    const bounds = [absMax / PUBLISHED_START, absMax, quantile(magnitudes, 0.9999), octavOf(raw!, magnitudes)];
    const scale = searchAdmm(
      { values: raw! },
      bounds.map((bound) => bound / LEVELS),
    );
    return { threshold: scale === 0 ? absMax : Math.min(LEVELS * scale, absMax), min, max };
  },
  keepsEnds: false,
  tunable: false,
};

function quantile(ascending: Float32Array, share: number): number {
  return ascending[Math.min(Math.floor(share * ascending.length), ascending.length - 1)]!;
}

function octavOf(raw: Float32Array, magnitudes: Float32Array): number {
  const above = (bound: number) => {
    let [sum, count] = [0, 0];
    for (let i = magnitudes.length - 1; i >= 0 && magnitudes[i]! > bound; i--) {
      sum += magnitudes[i]!;
      count++;
    }
    return { sum, count };
  };
  return octavThreshold(
    above,
    raw.length,
    raw.reduce((least, value) => Math.min(least, value), 0),
  );
}
