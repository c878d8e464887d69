import { expect, it } from 'vitest';
import { rememberSamples } from '../src/remembered-samples.ts';
import { randomDataset } from './small-network.ts';

it('reads a sample once while the budget lasts', async () => {
  const dataset = randomDataset(4);
  const reads: number[] = [];
  const bytes = (await dataset.sample(0)).get('x')!.byteLength;
  const counted = {
    ...dataset,
    sample(i: number) {
      reads.push(i);
      return dataset.sample(i);
    },
  };
  const remembered = rememberSamples(counted, { budgetBytes: 2.5 * bytes });
  for (const i of [0, 1, 2, 3, 0, 1, 2, 3]) expect(await remembered.sample(i)).toEqual(await dataset.sample(i));
  expect(reads).toEqual([0, 1, 2, 3, 2, 3]);
  reads.length = 0;
  const first = rememberSamples(counted, { count: 1 });
  for (const i of [0, 1, 0, 1]) await first.sample(i);
  expect(reads).toEqual([0, 1, 1]);
});
