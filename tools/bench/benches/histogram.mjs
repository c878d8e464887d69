import { loadKernels } from '@q/kernels-wasm';
import { printSpeed } from '../figure.mjs';
import { interleave } from '../interleave.mjs';
import { noise } from '../models.mjs';

const BINS = 2048;

/** The loop that a JavaScript programmer would write: the definition of calibration.md 5.1 with Math.fround left out. */
function plainHistogram(values, width, counts) {
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]);
    if (magnitude !== 0) counts[Math.floor(magnitude / width + 0.5)]++;
  }
}

async function compare(name, values) {
  const { exports, arena, memory } = await loadKernels();
  const data = arena.alloc(values.byteLength);
  const counts = arena.alloc(4 * BINS);
  const width = Math.fround(1 / (BINS - 1));
  new Float32Array(memory.buffer, data, values.length).set(values);
  const ours = () => {
    new Int32Array(memory.buffer, counts, BINS).fill(0);
    exports.stats_histogram(data, values.length, width, BINS, counts);
  };
  const plain = new Int32Array(BINS);
  const peer = () => {
    plain.fill(0);
    plainHistogram(values, width, plain);
  };
  ours();
  peer();
  const view = new Int32Array(memory.buffer, counts, BINS);
  // Without fround a value on the edge of a bin may fall to the other side: totals agree, bins by a handful.
  const moved = view.reduce((sum, count, bin) => sum + Math.abs(count - plain[bin]), 0) / 2;
  if (moved > values.length / 1e4)
    throw new Error(`${name}: ${moved} of ${values.length} values are in other bins than the peer's`);
  const times = await interleave(ours, peer, { runs: 31 });
  printSpeed(name, times, {
    peer: 'plain JavaScript loop, one Int32Array',
    elements: values.length,
    moved_between_bins: moved,
  });
}

const LENGTH = 1 << 20;

export const benches = [
  {
    name: 'histogram',
    summary: '2048-bin histogram of |x|, a million values',
    run: () => compare('histogram', noise(LENGTH)),
  },
  {
    name: 'histogram-half-zeros',
    summary: 'the same where half of the values are zero, as after a Relu',
    run: () =>
      compare(
        'histogram-half-zeros',
        noise(LENGTH).map((value) => Math.max(0, value)),
      ),
  },
];
