// The definition is no public API: both sides are taken from the built package.
import { klDivergences } from '../../../packages/calib/dist/thresholds/kl.js';
import { searchKl } from '../../../packages/calib/dist/thresholds/kl-search.js';
import { printSpeed } from '../figure.mjs';
import { interleave } from '../interleave.mjs';
import { noise } from '../models.mjs';

const BINS = 2048;
const LEVELS = 128;

/** Counts of the magnitudes of sums of noise: a bell with a thin tail, as activations have. */
function bellCounts(seed) {
  const counts = new Float64Array(BINS);
  const [a, b, c] = [0, 1, 2].map((i) => noise(200_000, 3 * seed + i + 1));
  for (let i = 0; i < a.length; i++) counts[Math.floor((Math.abs(a[i] + b[i] + c[i]) / 3) * (BINS - 1))]++;
  return counts;
}

function compare() {
  const histograms = [1, 2, 3, 4].map(bellCounts);
  for (const counts of histograms) {
    const fast = searchKl(counts, 1).divergences;
    if (klDivergences(counts, LEVELS).some((value, m) => value !== fast[m]))
      throw new Error('the fast search gives other divergences than the definition');
  }
  return interleave(
    () => histograms.map((counts) => searchKl(counts, 1)),
    () => histograms.map((counts) => klDivergences(counts, LEVELS)),
    { runs: 21, clock: 'cpu' },
  );
}

export const benches = [
  {
    name: 'kld-search',
    summary: 'threshold of least divergence over 2048 bins against its definition, the same bits',
    run: async () =>
      printSpeed('kld-search', await compare(), { goal: 8, peer: 'the definition, candidate by candidate' }),
  },
];
