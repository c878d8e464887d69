import { f32Tensor, type Tensor } from '@q/ir';
import { expect, it } from 'vitest';
import { compareTensors } from '../src/index.ts';

const tensors = (names: readonly string[]): Map<string, Tensor> =>
  new Map(names.map((name) => [name, f32Tensor([1, 2, 3])]));

it('a layer that TPU-MLIR 1.17 names otherwise is compared under its later name, on either side', () => {
  const older = tensors(['x', 'a_Split_new', 'a_Squeeze_new']);
  const own = tensors(['x', 'a_Split_r_new', 'a_Squeeze_r_new']);
  const tolerance = [0.9, 0.9] as const;
  const namesOf = (target: Map<string, Tensor>, reference: Map<string, Tensor>, more = {}) =>
    compareTensors({ target, reference, tolerance, ...more }).map(({ name }) => name);
  const both = ['x', 'a_Split_r_new', 'a_Squeeze_r_new'];
  expect(namesOf(own, older)).toEqual(both);
  expect(namesOf(older, own)).toEqual(both);
  expect(namesOf(older, older)).toEqual([...older.keys()]);
  expect(namesOf(own, older, { excepts: ['a_Split_new'] })).toEqual(['x', 'a_Squeeze_r_new']);
  expect(namesOf(own, older, { key: 'a_Split_new' })).toEqual(['a_Split_r_new']);
});
