import { describe, expect, test } from 'vitest';
import { ramp, tensor } from '../graph-builder.ts';
import { dataOf, expectClose, runOp } from '../run-op.ts';

describe('top.Reduce', () => {
  const x = tensor([2, 3, 2], [1, -2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  test.each([
    ['ReduceSum', [9, 8, 27, 30]],
    ['ReduceMean', [3, 8 / 3, 9, 10]],
    ['ReduceMax', [5, 6, 11, 12]],
    ['ReduceMin', [1, -2, 7, 8]],
    ['ReduceProd', [15, -48, 693, 960]],
    ['ReduceL1', [9, 12, 27, 30]],
    ['ReduceL2', [Math.sqrt(35), Math.sqrt(56), Math.sqrt(251), Math.sqrt(308)]],
  ])('%s of the middle axis', async (mode, expected) => {
    expectClose(
      await dataOf({ type: 'top.Reduce', attributes: { axes: [1], keepdims: false, mode }, inputs: [x] }),
      expected,
    );
  });

  test.each([
    ['ReduceMean', [4, 41 / 6 + 1.5]],
    ['ReduceL2', [Math.sqrt(1 + 9 + 25 + 49 + 81 + 121), Math.sqrt(4 + 16 + 36 + 64 + 100 + 144)]],
  ])('%s of axes that are not neighbours', async (mode, expected) => {
    const got = await runOp({ type: 'top.Reduce', attributes: { axes: [0, 1], keepdims: true, mode }, inputs: [x] });
    expect(got[0]!.shape).toEqual([1, 1, 2]);
    const apart = await dataOf({
      type: 'top.Reduce',
      attributes: { axes: [0, 2], keepdims: false, mode },
      inputs: [tensor([2, 2, 3], [1, 3, 5, -2, 4, 6, 7, 9, 11, 8, 10, 12])],
    });
    expectClose(apart, mode === 'ReduceMean' ? [6, 38 / 6] : expected);
    expectClose(got[0]!.data, mode === 'ReduceMean' ? [6, 38 / 6] : expected);
  });
});

describe('top.Arg', () => {
  const x = tensor([1, 4], [3, 7, 7, 1]);
  test.each([
    ['ArgMax', true, 2, 7],
    ['ArgMax', false, 1, 7],
    ['ArgMin', false, 3, 1],
  ])('%s, last of equals %s', async (mode, selectLastIndex, index, value) => {
    const attributes = { axis: 1, keepdims: true, mode, selectLastIndex };
    const got = await runOp({ type: 'top.Arg', attributes, inputs: [x], results: 2 });
    expect(got.map(({ data }) => data)).toEqual([[index], [value]]);
  });
});

describe('normalisations', () => {
  const x = ramp([2, 4, 3], 0.5);
  const at = (n: number, c: number, i: number): number => Number(x.data[(n * 4 + c) * 3 + i]);
  const everywhere = (define: (n: number, c: number, i: number) => number): number[] =>
    Array.from({ length: 24 }, (_, at) => define(Math.floor(at / 12), Math.floor(at / 3) % 4, at % 3));
  const stats = (list: number[]) => {
    const mean = list.reduce((a, b) => a + b, 0) / list.length;
    return { mean, variance: list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length };
  };
  const normal = (value: number, list: number[], eps: number): number => {
    const { mean, variance } = stats(list);
    return (value - mean) / Math.sqrt(variance + eps);
  };
  const [weight, bias] = [tensor([4], [1, 2, -1, 0.5]), tensor([4], [0, 1, 2, 3])];
  const [w, b] = [(c: number) => Number(weight.data[c]), (c: number) => Number(bias.data[c])];
  const eps = 1e-3;

  test('top.Scale with relu', async () => {
    const got = await dataOf({
      type: 'top.Scale',
      attributes: { doRelu: true },
      inputs: [x, weight, bias],
      weightsFrom: 1,
    });
    expectClose(
      got,
      everywhere((n, c, i) => Math.max(0, at(n, c, i) * w(c) + b(c))),
    );
  });

  test('top.BatchNorm', async () => {
    const [mean, variance] = [tensor([4], [0.5, -1, 0, 2]), tensor([4], [1, 0.25, 4, 2])];
    const inputs = [x, mean, variance, weight, bias];
    const got = await dataOf({ type: 'top.BatchNorm', attributes: { epsilon: eps }, inputs, weightsFrom: 1 });
    expectClose(
      got,
      everywhere(
        (n, c, i) => ((at(n, c, i) - Number(mean.data[c])) / Math.sqrt(Number(variance.data[c]) + eps)) * w(c) + b(c),
      ),
    );
  });

  test('top.LayerNorm over two dimensions', async () => {
    const [factor, offset] = [ramp([4, 3]), ramp([4, 3], 0.5)];
    const got = await dataOf({
      type: 'top.LayerNorm',
      attributes: { axis: 1, normalizedShape: [4, 3], eps },
      inputs: [x, factor, offset],
      weightsFrom: 1,
    });
    const rows = [0, 1].map((n) => Array.from({ length: 12 }, (_, k) => at(n, Math.floor(k / 3), k % 3)));
    expectClose(
      got,
      everywhere(
        (n, c, i) =>
          normal(at(n, c, i), rows[n]!, eps) * Number(factor.data[c * 3 + i]) + Number(offset.data[c * 3 + i]),
      ),
    );
  });

  test('top.InstanceNorm, top.GroupNorm, top.PixelNorm', async () => {
    const inputs = [x, weight, bias];
    const instance = await dataOf({ type: 'top.InstanceNorm', attributes: { eps }, inputs, weightsFrom: 1 });
    expectClose(
      instance,
      everywhere(
        (n, c, i) =>
          normal(
            at(n, c, i),
            [0, 1, 2].map((k) => at(n, c, k)),
            eps,
          ) *
            w(c) +
          b(c),
      ),
    );
    const group = await dataOf({ type: 'top.GroupNorm', attributes: { numGroups: 2, eps }, inputs, weightsFrom: 1 });
    const members = (n: number, c: number) =>
      [0, 1].flatMap((k) => [0, 1, 2].map((i) => at(n, Math.floor(c / 2) * 2 + k, i)));
    expectClose(
      group,
      everywhere((n, c, i) => normal(at(n, c, i), members(n, c), eps) * w(c) + b(c)),
    );
    const pixel = await dataOf({ type: 'top.PixelNorm', attributes: { eps }, inputs, weightsFrom: 1 });
    expectClose(
      pixel,
      everywhere(
        (n, c, i) =>
          normal(
            at(n, c, i),
            [0, 1, 2, 3].map((k) => at(n, k, i)),
            eps,
          ) *
            w(c) +
          b(c),
      ),
    );
  });

  test('top.RMSNorm and top.LRN', async () => {
    const gamma = tensor([3], [1, 2, 3]);
    const rms = await dataOf({ type: 'top.RMSNorm', attributes: { eps }, inputs: [x, gamma], weightsFrom: 1 });
    const square = (n: number, c: number) => [0, 1, 2].reduce((sum, k) => sum + at(n, c, k) ** 2, 0) / 3;
    expectClose(
      rms,
      everywhere((n, c, i) => (at(n, c, i) / Math.sqrt(square(n, c) + eps)) * Number(gamma.data[i])),
    );
    const lrn = await dataOf({ type: 'top.LRN', attributes: { size: 3, alpha: 0.3, beta: 0.5, bias: 2 }, inputs: [x] });
    const near = (n: number, c: number, i: number) =>
      [c - 1, c, c + 1].reduce((sum, k) => sum + (k < 0 || k > 3 ? 0 : at(n, k, i) ** 2), 0);
    expectClose(
      lrn,
      everywhere((n, c, i) => at(n, c, i) / Math.sqrt(2 + 0.1 * near(n, c, i))),
    );
  });

  test.each([false, true])('top.Softmax, log %s', async (log) => {
    const got = await dataOf({ type: 'top.Softmax', attributes: { axis: 1, log, beta: 2 }, inputs: [x] });
    const total = (n: number, i: number) => [0, 1, 2, 3].reduce((sum, c) => sum + Math.exp(2 * at(n, c, i)), 0);
    const define = (n: number, c: number, i: number) => Math.exp(2 * at(n, c, i)) / total(n, i);
    expectClose(
      got,
      everywhere((n, c, i) => (log ? Math.log(define(n, c, i)) : define(n, c, i))),
    );
  });
});
