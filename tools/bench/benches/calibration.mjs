import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { calibrate } from '@q/calib';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { generateNetwork } from '../../generate/src/generate-network.mjs';
import { networks } from '../../generate/src/networks.mjs';
import { noiseDataset } from '../datasets.mjs';
import { printFigure, printSpeed } from '../figure.mjs';
import { interleave } from '../interleave.mjs';
import { openModel } from '../models.mjs';

const SAMPLES = 32;
/** Each contestant in turn, so often; the least of each counts. */
const RUNS = 5;
const measureMemory = fileURLToPath(new URL('../measure-calibration-memory.mjs', import.meta.url));

/**
 * What statistics and thresholds cost on top of running the network, in processor time: both contestants do all their work
 * in this process, and the least of several runs is what other programs on the machine disturb least. Opening the network
 * is in ours, and not in the peer.
 */
async function overhead(model, goal) {
  const graph = await graphOf(model);
  const dataset = noiseDataset(graph, SAMPLES);
  const samples = await Promise.all(Array.from({ length: SAMPLES }, (_, i) => dataset.sample(i)));
  const decoded = { ...dataset, sample: async (i) => samples[i] };
  const session = await createSession(graph);
  const calibrated = (options) => processorTime(() => calibrate(graph, decoded, { tuneNum: 0, ...options }));
  const inferred = () =>
    processorTime(() => {
      for (const sample of samples) session.run(sample);
    });
  await calibrated({ inputNum: 4 });
  const [ours, peer] = [[], []];
  for (let run = 0; run < RUNS; run++) {
    ours.push(await calibrated({}));
    peer.push(await inferred());
  }
  const others = {};
  for (const method of ['max', 'mse', 'percentile9999', 'aciq_gauss', 'aciq_laplace']) {
    others[method] = ratio(await calibrated({ method }), Math.min(...peer));
  }
  const one = await calibrated({ inputNum: 1 });
  const tuned = await calibrated({ inputNum: 1, tuneNum: 1 });
  printFigure({
    name: `calibration-overhead-${model}`,
    ratio: ratio(Math.min(...ours), Math.min(...peer)),
    better: 'lower',
    goal,
    ours_cpu_ms: Math.round(Math.min(...ours)),
    peer: 'float inference of the same samples, one session',
    peer_cpu_ms: Math.round(Math.min(...peer)),
    runs: RUNS,
    samples: SAMPLES,
    method: 'kl',
    tune_num: 0,
    other_methods_once: others,
    tuner_over_inference_of_a_sample: ratio(tuned - one, Math.min(...peer) / SAMPLES),
  });
}

/** Milliseconds of processor time that an action takes in this process. */
async function processorTime(action) {
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function ratio(ours, peer) {
  return Number((ours / peer).toPrecision(4));
}

/** A network of the test models, or one that is written down for the bench. */
async function graphOf(model) {
  if (!Object.hasOwn(networks, model)) return openModel(model).graph;
  return importOnnx(await generateNetwork(model), { name: model });
}

/** Peak memory of a process that calibrates on many samples over that of one that calibrates on few. */
function memory(method, goal) {
  const peak = (samples) =>
    Number(
      execFileSync(process.execPath, [...process.execArgv, '--expose-gc', measureMemory, method, String(samples)], {
        encoding: 'utf8',
      }),
    );
  const [few, many] = [peak(10), peak(1000)];
  printFigure({
    name: method === 'kl' ? 'calibration-memory' : `calibration-memory-${method}`,
    ratio: ratio(many, few),
    better: 'lower',
    goal,
    ours_mb: Math.round(many / 1024),
    peer: 'the same with 10 samples',
    peer_mb: Math.round(few / 1024),
    samples: 1000,
    method,
    how: 'peak resident memory of a process, garbage collected every five samples',
  });
}

async function twoWorkers(model) {
  const { graph } = openModel(model);
  const dataset = noiseDataset(graph, SAMPLES);
  const times = await interleave(
    () => calibrate(graph, dataset, { tuneNum: 0, workers: 2 }),
    () => calibrate(graph, dataset, { tuneNum: 0, workers: 1 }),
    { runs: 5 },
  );
  printSpeed(`calibration-workers-2-${model}`, times, { peer: 'one worker, same table', samples: SAMPLES });
}

const workersBench = {
  name: 'calibration-workers-2-objects-cnn',
  summary: 'calibration of objects-cnn with two workers against one',
  run: () => twoWorkers('objects-cnn'),
};

export const benches = [
  ...Object.entries({ 'objects-cnn': undefined, mobilenetv2: 2, resnet18: 1.15 }).map(([model, goal]) => ({
    name: `calibration-overhead-${model}`,
    summary: `calibration of ${model} over plain inference`,
    run: () => overhead(model, goal),
  })),
  ...Object.entries({ kl: 1.05, percentile9999: 1.15 }).map(([method, goal]) => ({
    name: method === 'kl' ? 'calibration-memory' : `calibration-memory-${method}`,
    summary: `peak memory with 1000 samples over 10, method ${method}`,
    run: () => memory(method, goal),
  })),
  workersBench,
];
