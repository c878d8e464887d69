import { binWidth, type Distribution } from './distribution.ts';
import type { PooledMethod } from './method.ts';

const SHARE = 0.9999;

/** The values that a share of 99.99 % lies below, and above, of all samples together; they replace min and max. */
export const pooledPercentile: PooledMethod = (distribution) => {
  const max = upperQuantile(distribution, SHARE);
  const min = -upperQuantile(mirrored(distribution), SHARE);
  return { threshold: Math.max(Math.abs(min), Math.abs(max)), min, max };
};

/** Share of the magnitudes instead of the values, for both signs at once. */
export function magnitudeQuantile(distribution: Distribution, share: number): number {
  const { positive, negative, count } = distribution;
  const both = { ...distribution, positive: positive.map((own, i) => own + negative[i]!) };
  return topQuantile(both, count * (1 - share), Math.max(-distribution.min, distribution.max));
}

function upperQuantile(distribution: Distribution, share: number): number {
  const beyond = distribution.count * (1 - share);
  const above = distribution.positive.reduce((sum, own) => sum + own, 0);
  // Within the zeros and the other sign the ends are what was observed.
  if (above < beyond) return Math.min(distribution.max, 0);
  return topQuantile(distribution, beyond, distribution.max);
}

/** The value above which so many of the positive ones lie, spread evenly over their bins. */
function topQuantile(distribution: Distribution, beyond: number, most: number): number {
  const width = binWidth(distribution);
  let left = beyond;
  for (let i = distribution.positive.length - 1; i >= 0; i--) {
    const own = distribution.positive[i]!;
    if (own === 0) continue;
    if (own >= left) return Math.min((i + 1 - left / own) * width, most);
    left -= own;
  }
  return 0;
}

function mirrored(distribution: Distribution): Distribution {
  const { min, max, positive, negative } = distribution;
  return { ...distribution, min: -max, max: -min, positive: negative, negative: positive };
}
