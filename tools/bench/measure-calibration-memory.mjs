// usage: node --expose-gc measure-calibration-memory.mjs METHOD SAMPLES: prints the peak resident memory in KiB
import { calibrate } from '@q/calib';
import { noiseDataset } from './datasets.mjs';
import { openModel } from './models.mjs';

const [method, samples] = process.argv.slice(2);
const { graph } = openModel('objects-cnn');
const noise = noiseDataset(graph, Number(samples));
// What is held is measured, not how long the engine puts off collecting garbage: it does for tens of megabytes.
const dataset = {
  ...noise,
  sample(i) {
    if (i % 5 === 0) globalThis.gc?.();
    return noise.sample(i);
  },
};
await calibrate(graph, dataset, { method, tuneNum: 5 });
process.stdout.write(`${process.resourceUsage().maxRSS}\n`);
