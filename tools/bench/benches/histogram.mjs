import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadKernels } from '@q/kernels-wasm';
import { printSpeed } from '../figure.mjs';
import { interleave, median } from '../interleave.mjs';
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
  const times = await interleave(ours, peer, { runs: 31, clock: 'cpu' });
  printSpeed(name, times, {
    goal: 3,
    peer: 'plain JavaScript loop, one Int32Array',
    elements: values.length,
    moved_between_bins: moved,
  });
}

/** The same loop in C, compiled here; without a compiler there is nothing to compare with. */
async function compareWithC(name, kind, values) {
  const program = compileC(new URL('../histogram-peer.c', import.meta.url));
  if (program === undefined) {
    process.stderr.write(`${name}: no C compiler (cc) on the PATH, nothing was measured\n`);
    return;
  }
  const { exports, arena } = await loadKernels();
  const data = arena.place(values);
  const counts = arena.place(new Int32Array(BINS));
  const ours = () => exports.stats_histogram(data, values.length, Math.fround(1 / (BINS - 1)), BINS, counts);
  const samples = { ours: [], peer: [] };
  await interleave(ours, () => {}, { runs: 1 });
  // A native process times itself: its start is no part of the loop.
  for (let round = 0; round < 9; round++) {
    samples.ours.push((await interleave(ours, () => {}, { runs: 9, warmupMs: 50, clock: 'cpu' })).oursMs);
    samples.peer.push(Number(execFileSync(program, [kind, String(values.length)], { encoding: 'utf8' })));
  }
  printSpeed(
    name,
    { oursMs: median(samples.ours), peerMs: median(samples.peer), runs: samples.ours.length },
    { peer: 'plain C loop, cc -O3', elements: values.length },
  );
}

function compileC(source) {
  const program = join(mkdtempSync(join(tmpdir(), 'q-bench-c-')), 'peer');
  const { status } = spawnSync('cc', ['-O3', '-o', program, fileURLToPath(source), '-lm']);
  return status === 0 ? program : undefined;
}

const LENGTH = 1 << 20;
const tensors = {
  noise: () => noise(LENGTH),
  'half-zeros': () => noise(LENGTH).map((value) => Math.max(0, value)),
};

export const benches = [
  {
    name: 'histogram',
    summary: '2048-bin histogram of |x|, a million values',
    run: () => compare('histogram', tensors.noise()),
  },
  {
    name: 'histogram-half-zeros',
    summary: 'the same where half of the values are zero, as after a Relu',
    run: () => compare('histogram-half-zeros', tensors['half-zeros']()),
  },
  ...Object.entries(tensors).map(([kind, make]) => ({
    name: `histogram-c-${kind}`,
    summary: `the same against a C loop, where a compiler is at hand (${kind})`,
    run: () => compareWithC(`histogram-c-${kind}`, kind, make()),
  })),
];
