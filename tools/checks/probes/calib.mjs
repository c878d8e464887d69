import { calibrate } from '@q/calib';
import { memorySource, openDataset } from '@q/dataset';
import { writeNpy } from '@q/ir';
import { same } from './expect.mjs';
import { sample, tinyNetwork } from './tiny-network.mjs';

export default async function probe() {
  const graph = tinyNetwork();
  const npy = writeNpy({ shape: [1, 1, 2, 2], dtype: 'f32', data: sample });
  const source = memorySource(
    new Map([
      ['a.npy', npy],
      ['b.npy', npy],
    ]),
  );
  // A bundler that knows workers is another matter; in Node the threads must be found beside the package's code.
  const workers = typeof document === 'undefined' ? 2 : 1;
  const dataset = await openDataset({ source, graph });
  const { table } = await calibrate(graph, dataset, { method: 'max', tuneNum: 0, workers });
  const { min, max } = table.rows.get('relu') ?? {};
  same('range of the output', [min, max], [0, 2.5]);
}
