import { calibrate } from '@q/calib';
import { createSession } from '@q/runtime';
import { noiseDataset } from '../datasets.mjs';
import { printCost, printSpeed } from '../figure.mjs';
import { interleave } from '../interleave.mjs';
import { openModel } from '../models.mjs';

const SAMPLES = 32;

/** What statistics and thresholds cost on top of running the network. */
async function overhead(model) {
  const { graph } = openModel(model);
  const dataset = noiseDataset(graph, SAMPLES);
  const samples = await Promise.all(Array.from({ length: SAMPLES }, (_, i) => dataset.sample(i)));
  const decoded = { ...dataset, sample: async (i) => samples[i] };
  const session = await createSession(graph);
  const times = await interleave(
    () => calibrate(graph, decoded, { tuneNum: 0 }),
    () => {
      for (const sample of samples) session.run(sample);
    },
    { runs: 7 },
  );
  printCost(`calibration-overhead-${model}`, times, {
    peer: 'float inference of the same samples, one session',
    samples: SAMPLES,
    method: 'kl',
    tune_num: 0,
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

export const benches = ['objects-cnn'].flatMap((model) => [
  {
    name: `calibration-overhead-${model}`,
    summary: `calibration of ${model} over plain inference`,
    run: () => overhead(model),
  },
  {
    name: `calibration-workers-2-${model}`,
    summary: `calibration of ${model} with two workers against one`,
    run: () => twoWorkers(model),
  },
]);
