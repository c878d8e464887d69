import { searchXquantRange, searchXquantRangeByDefinition } from '@q/calib';
import { printSpeed } from '../figure.mjs';
import { interleave } from '../interleave.mjs';
import { noise } from '../models.mjs';

const BINS = 4096;

/** What two passes over a tensor with a long tail leave behind. */
function histogramOf(values) {
  const sorted = values.toSorted();
  const [min, max] = [sorted[0], sorted.at(-1)];
  const counts = new Float64Array(BINS);
  for (const value of values) counts[Math.min(BINS - 1, Math.floor(((value - min) / (max - min)) * BINS))]++;
  const percentile = (part) => sorted[Math.min(values.length - 1, Math.floor(part * values.length))];
  return { counts, min, max, percentileMin: percentile(1e-4), percentileMax: percentile(1 - 1e-4) };
}

async function compare(name, objective) {
  const tensor = histogramOf(noise(1 << 20).map((value) => value ** 5));
  const ours = () => searchXquantRange(tensor, { objective });
  const peer = () => searchXquantRangeByDefinition(tensor, { objective });
  const [fast, plain] = [ours(), peer()];
  if (fast.min !== plain.min || fast.max !== plain.max)
    throw new Error(`${name}: prefix sums choose ${JSON.stringify(fast)}, the definition ${JSON.stringify(plain)}`);
  const times = await interleave(ours, peer, { runs: 3 });
  printSpeed(name, times, { peer: 'both losses of every window, bin by bin', goal: 20, windows: 7382, ...fast });
}

export const benches = ['default', 'kl', 'mse'].map((objective) => ({
  name: `xquant-${objective}`,
  summary: `XQuant's ${objective} range of one tensor: prefix sums against the definition`,
  run: () => compare(`xquant-${objective}`, objective),
}));
