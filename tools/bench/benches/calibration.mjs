import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { calibrate } from '@q/calib';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import { generateNetwork } from '../../generate/src/generate-network.mjs';
import { networks } from '../../generate/src/networks.mjs';
import { noiseDataset } from '../datasets.mjs';
import { printCost, printFigure, printSpeed } from '../figure.mjs';
import { interleave } from '../interleave.mjs';
import { openModel } from '../models.mjs';

const SAMPLES = 32;
const measureMemory = fileURLToPath(new URL('../measure-calibration-memory.mjs', import.meta.url));

/** What statistics and thresholds cost on top of running the network. */
async function overhead(model, samplesWanted = SAMPLES) {
  const graph = await graphOf(model);
  const dataset = noiseDataset(graph, samplesWanted);
  const samples = await Promise.all(Array.from({ length: samplesWanted }, (_, i) => dataset.sample(i)));
  const decoded = { ...dataset, sample: async (i) => samples[i] };
  const session = await createSession(graph);
  const times = await interleave(
    () => calibrate(graph, decoded, { tuneNum: 0 }),
    () => {
      for (const sample of samples) session.run(sample);
    },
    { runs: 5 },
  );
  printCost(`calibration-overhead-${model}`, times, {
    peer: 'float inference of the same samples, one session',
    samples: samplesWanted,
    method: 'kl',
    tune_num: 0,
  });
}

/** A network of the test models, or one that is written down for the bench. */
async function graphOf(model) {
  if (!Object.hasOwn(networks, model)) return openModel(model).graph;
  return importOnnx(await generateNetwork(model), { name: model });
}

/** Peak memory of a process that calibrates on many samples over that of one that calibrates on few. */
function memory(method) {
  const peak = (samples) =>
    Number(
      execFileSync(process.execPath, [...process.execArgv, '--expose-gc', measureMemory, method, String(samples)], {
        encoding: 'utf8',
      }),
    );
  const [few, many] = [peak(10), peak(1000)];
  printFigure({
    name: method === 'kl' ? 'calibration-memory' : `calibration-memory-${method}`,
    ratio: Number((many / few).toPrecision(4)),
    better: 'lower',
    ours_mb: Math.round(many / 1024),
    peer: 'the same with 10 samples',
    peer_mb: Math.round(few / 1024),
    samples: 1000,
    method,
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
  ...['objects-cnn', 'mobilenetv2', 'resnet18'].map((model) => ({
    name: `calibration-overhead-${model}`,
    summary: `calibration of ${model} over plain inference`,
    run: () => overhead(model, model === 'objects-cnn' ? SAMPLES : 16),
  })),
  ...['kl', 'percentile9999'].map((method) => ({
    name: method === 'kl' ? 'calibration-memory' : `calibration-memory-${method}`,
    summary: `peak memory with 1000 samples over 10, method ${method}`,
    run: () => memory(method),
  })),
  workersBench,
];
