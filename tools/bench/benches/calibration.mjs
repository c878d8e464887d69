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
/** Every contestant in turn, so often; the least of each counts. */
const RUNS = { least: 2, most: 5, milliseconds: 75_000 };
/** The first one's figure carries the name of the bench. */
const METHODS = ['kl', 'max', 'mse', 'percentile9999', 'aciq_gauss', 'aciq_laplace'];
const measureMemory = fileURLToPath(new URL('../measure-calibration-memory.mjs', import.meta.url));

/**
 * What statistics and thresholds cost on top of running the network, in processor time, for every method of v1.9: all
 * contestants do all their work in this process, and the least of several runs is what other programs on the machine
 * disturb least. Opening the network is in ours, and not in the peer.
 */
async function overhead(model, goal) {
  const graph = await graphOf(model);
  const decoded = await decodedNoise(graph);
  const session = await createSession(graph);
  const samples = await Promise.all(Array.from({ length: SAMPLES }, (_, i) => decoded.sample(i)));
  const inferred = () => {
    for (const sample of samples) session.run(sample);
  };
  for (const method of METHODS) await calibrate(graph, decoded, { tuneNum: 0, method, inputNum: 4 });
  const contestants = [inferred, ...METHODS.map((method) => () => calibrate(graph, decoded, { tuneNum: 0, method }))];
  const least = contestants.map(() => Number.POSITIVE_INFINITY);
  const started = performance.now();
  let runs = 0;
  for (; runs < RUNS.most && (runs < RUNS.least || performance.now() - started < RUNS.milliseconds); runs++) {
    for (const [at, run] of contestants.entries()) least[at] = Math.min(least[at], await processorTime(run));
  }
  const [peer, ...ours] = least;
  for (const [at, method] of METHODS.entries()) {
    printFigure({
      name: at === 0 ? `calibration-overhead-${model}` : `calibration-overhead-${model}-${method}`,
      ratio: ratio(ours[at], peer),
      better: 'lower',
      goal,
      ours_cpu_ms: Math.round(ours[at]),
      peer: 'float inference of the same samples, one session',
      peer_cpu_ms: Math.round(peer),
      runs,
      samples: SAMPLES,
      method,
      tune_num: 0,
    });
  }
  await tunerCost(model, graph, { decoded, inference: peer / SAMPLES });
}

/** The tuner apart: what it costs depends on how many thresholds lie below the absolute maximum, and how large their readers are. */
async function tunerCost(model, graph, { decoded, inference }) {
  const { table: startTable } = await calibrate(graph, decoded, { tuneNum: 0 });
  let ops = 0;
  const emit = ({ type, task, total }) => {
    if (type === 'progress' && task === 'tune') ops = total;
  };
  const tuned = () => calibrate(graph, decoded, { startTable, tuneNum: 1, emit });
  const times = [await processorTime(tuned), await processorTime(tuned)];
  printFigure({
    name: `tuner-${model}`,
    ratio: ratio(Math.min(...times), inference),
    better: 'lower',
    ours_cpu_ms: Math.round(Math.min(...times)),
    peer: 'float inference of one sample; ours is the tuner on one sample, 22 candidates for each scan',
    peer_cpu_ms: ratio(inference, 1),
    evaluated_ops: ops,
    ops: graph.ops.length,
    runs: times.length,
    method: 'kl',
  });
}

/** Samples that are decoded and in memory. */
async function decodedNoise(graph) {
  const dataset = noiseDataset(graph, SAMPLES);
  const samples = await Promise.all(Array.from({ length: SAMPLES }, (_, i) => dataset.sample(i)));
  return { ...dataset, sample: async (i) => samples[i] };
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
