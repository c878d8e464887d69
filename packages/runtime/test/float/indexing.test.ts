import { describe, expect, test } from 'vitest';
import { tensor } from '../graph-builder.ts';
import { dataOf, runOp } from '../run-op.ts';

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const iota = (...shape: number[]) => tensor(shape, count(shape.reduce((a, b) => a * b, 1)));

describe('gathering', () => {
  test.each([
    ['constant', 1],
    ['computed', 2],
  ])('top.Gather along an inner axis, %s indices, negative ones from the back', async (_name, weightsFrom) => {
    const got = await runOp({
      type: 'top.Gather',
      attributes: { axis: 1 },
      inputs: [iota(2, 3, 2), tensor([2], [-1, 0])],
      weightsFrom,
    });
    expect(got).toEqual([{ shape: [2, 2, 2], data: [4, 5, 0, 1, 10, 11, 6, 7] }]);
  });

  test('top.Gather with a scalar index drops the axis', async () => {
    const got = await runOp({
      type: 'top.Gather',
      attributes: { axis: 0, keepdims: false },
      inputs: [iota(3, 2), tensor([1], [1])],
      weightsFrom: 1,
    });
    expect(got).toEqual([{ shape: [2], data: [2, 3] }]);
  });

  test('top.GatherElements', async () => {
    const inputs = [tensor([2, 2], [1, 2, 3, 4]), tensor([2, 2], [0, 0, 1, 0])];
    expect(await dataOf({ type: 'top.GatherElements', attributes: { axis: 1 }, inputs })).toEqual([1, 1, 4, 3]);
  });

  test('top.GatherND, plain and with a batch dimension', async () => {
    const cube = iota(2, 2, 2);
    const pairs = await runOp({ type: 'top.GatherND', inputs: [cube, tensor([2, 2], [0, 1, 1, 0])] });
    expect(pairs).toEqual([{ shape: [2, 2], data: [2, 3, 4, 5] }]);
    const batched = await runOp({
      type: 'top.GatherND',
      attributes: { batchDims: 1 },
      inputs: [cube, tensor([2, 1], [1, 0])],
    });
    expect(batched).toEqual([{ shape: [2, 2], data: [2, 3, 4, 5] }]);
  });
});

describe('scattering', () => {
  test('top.ScatterElements replaces or adds', async () => {
    const inputs = [tensor([1, 5], [1, 2, 3, 4, 5]), tensor([1, 3], [1, 3, 1]), tensor([1, 3], [10, 20, 30])];
    expect(await dataOf({ type: 'top.ScatterElements', attributes: { axis: 1 }, inputs })).toEqual([1, 30, 3, 20, 5]);
    expect(await dataOf({ type: 'top.ScatterElements', attributes: { axis: 1, reduction: 1 }, inputs })).toEqual([
      1, 42, 3, 24, 5,
    ]);
  });

  test('top.ScatterND writes whole slices', async () => {
    const inputs = [iota(3, 2), tensor([2, 1], [2, 0]), tensor([2, 2], [7, 8, 9, 10])];
    expect(await dataOf({ type: 'top.ScatterND', inputs })).toEqual([9, 10, 2, 3, 7, 8]);
  });
});

describe('order and sums', () => {
  test('top.TopK: best first, equal values by index; both results', async () => {
    const x = tensor([2, 4], [3, 9, 9, 1, -1, -5, -2, -1]);
    const got = await runOp({ type: 'top.TopK', attributes: { axis: 1, K: 3 }, inputs: [x, null], results: 2 });
    expect(got.map(({ data }) => data)).toEqual([
      [9, 9, 3, -1, -1, -2],
      [1, 2, 0, 0, 3, 2],
    ]);
    const least = await runOp({
      type: 'top.TopK',
      attributes: { axis: 1, K: 1, largest: false },
      inputs: [x, null],
      results: 2,
    });
    expect(least.map(({ data }) => data)).toEqual([
      [1, -5],
      [3, 1],
    ]);
  });

  test('top.TopK along an outer axis', async () => {
    const got = await runOp({
      type: 'top.TopK',
      attributes: { axis: 0, K: 1 },
      inputs: [tensor([3, 2], [1, 6, 5, 2, 3, 4]), null],
      results: 2,
    });
    expect(got.map(({ data }) => data)).toEqual([
      [5, 6],
      [1, 0],
    ]);
  });

  test('top.CumSum and top.Trilu', async () => {
    expect(await dataOf({ type: 'top.CumSum', attributes: { axis: 0 }, inputs: [iota(3, 2), null] })).toEqual([
      0, 1, 2, 4, 6, 9,
    ]);
    const square = iota(3, 3);
    expect(await dataOf({ type: 'top.Trilu', attributes: { upper: 1, diagonal: 1 }, inputs: [square] })).toEqual([
      0, 1, 2, 0, 0, 5, 0, 0, 0,
    ]);
    expect(await dataOf({ type: 'top.Trilu', attributes: { upper: 0, diagonal: 0 }, inputs: [square] })).toEqual([
      0, 0, 0, 3, 4, 0, 6, 7, 8,
    ]);
  });

  test('top.Shape and top.Range', async () => {
    expect(await dataOf({ type: 'top.Shape', inputs: [iota(3, 2)] })).toEqual([3, 2]);
    const inputs = [tensor([1], [1]), tensor([1], [6]), tensor([1], [2])];
    expect(await dataOf({ type: 'top.Range', inputs, weightsFrom: 0 })).toEqual([1, 3, 5]);
  });
});
