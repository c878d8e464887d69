import { compileKernels } from '@q/kernels-wasm';
import { createPool } from '@q/runtime';
import { printFigure } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { median } from '../interleave.mjs';
import { watchMachine } from '../machine-load.mjs';
import { noise } from '../models.mjs';

const IMAGES = 16;
const ROUNDS = 15;
const WARM_MS = 2000;
const TASK = import.meta.resolve('@q/runtime/inference-task');

async function elapsed(pool, samples) {
  const started = performance.now();
  for await (const { reply } of pool.map(samples)) if (reply.size === 0) throw new Error('a worker gave no output');
  return performance.now() - started;
}

/** One pool of one worker and one of two, both warm, take turns with the same images; wall clock. */
async function measure(model) {
  const { graph, feeds } = await openGenerated(model);
  const [[name, { data }]] = feeds;
  const samples = Array.from({ length: IMAGES }, (_, i) => new Map([[name, noise(data.length, i + 1)]]));
  const init = { graph, module: await compileKernels() };
  const one = await createPool({ workers: 1, taskUrl: TASK, init });
  const two = await createPool({ workers: 2, taskUrl: TASK, init });
  // Engines compile WASM twice, the second time beside the work: every worker must be past that, by time and not by count.
  for (const pool of [one, two]) for (let spent = 0; spent < WARM_MS; ) spent += await elapsed(pool, samples);
  const machine = watchMachine();
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push({ one: await elapsed(one, samples), two: await elapsed(two, samples) });
  const taken = machine();
  await Promise.all([one.dispose(), two.dispose()]);
  const ratios = rounds.map((round) => round.one / round.two).sort((a, b) => a - b);
  const short = (value) => Number(value.toPrecision(4));
  printFigure({
    name: 'workers-2',
    model,
    ratio: short(median(ratios)),
    better: 'higher',
    goal: 1.7,
    spread: [short(ratios[0]), short(ratios.at(-1))],
    ours_ms: short(median(rounds.map((round) => round.two))),
    peer: 'one worker; wall clock, so only a quiet machine counts',
    peer_ms: short(median(rounds.map((round) => round.one))),
    processor_time_taken: taken,
    images: IMAGES,
    runs: ROUNDS,
  });
}

export const benches = [
  {
    name: 'workers-2',
    summary: '16 images of MobileNetV2 on two workers against one',
    run: () => measure('mobilenetv2'),
  },
];
