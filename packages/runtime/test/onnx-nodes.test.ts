import type { Tensor } from '@q/ir';
import { importOnnx, inspectOnnx } from '@q/ir/onnx';
import { loadKernels } from '@q/kernels-wasm';
import { describe, expect, test } from 'vitest';
import { createSession } from '../src/index.ts';
import { type OneNode, oneNodeFile } from './onnx-file.ts';

const kernels = await loadKernels();

/** Runs one ONNX node; inputs that decide shapes are given as constants. Every output rounded to 5 digits. */
async function run(node: Omit<OneNode, 'inputs'>, ...inputs: readonly Tensor[]): Promise<(number | null)[][]> {
  const types = inputs.map(({ dtype, shape }) => [dtype === 'i64' ? 'i64' : 'f32', shape] as const);
  const file = oneNodeFile({ ...node, inputs: types });
  const isStatic = new Set(inspectOnnx(file).staticInputs);
  const named = inputs.map((tensor, index) => [`x${index}`, tensor] as const);
  const graph = importOnnx(file, {
    name: 'node',
    constantInputs: new Map(named.filter(([name]) => isStatic.has(name))),
    constantOutputs: 'keep',
  });
  const session = await createSession(graph, { kernels, nonFinite: 'allow' });
  try {
    const fed = named.filter(([name]) => !isStatic.has(name));
    const feeds = new Map(fed.map(([name, { data }]) => [name, Float32Array.from(data as Float32Array, Number)]));
    const results = session.run(feeds);
    return graph.outputs.map((output) => [...results.get(output)!].map((value) => Number(value.toFixed(5)) + 0));
  } finally {
    session.dispose();
  }
}

const f32 = (shape: readonly number[], data: readonly number[]): Tensor => ({
  shape,
  dtype: 'f32',
  data: Float32Array.from(data),
});
const i64 = (shape: readonly number[], data: readonly number[]): Tensor => ({
  shape,
  dtype: 'i64',
  data: BigInt64Array.from(data, BigInt),
});

describe('losses', () => {
  const logP = f32([2, 3], [-1, -2, -3, -4, -5, -6]);

  test('are minus the log-probability of the label, weighted, over the sum of the weights', async () => {
    const node = { opType: 'NegativeLogLikelihoodLoss', opset: 13 };
    expect(await run({ ...node, attributes: { reduction: 'none' } }, logP, i64([2], [2, 0]))).toEqual([[3, 4]]);
    expect(await run({ ...node, attributes: { reduction: 'sum' } }, logP, i64([2], [2, 0]))).toEqual([[7]]);
    const weights = f32([3], [1, 0, 3]);
    // (3·3 + 4·1) / (3 + 1)
    expect(await run(node, logP, i64([2], [2, 0]), weights)).toEqual([[3.25]]);
  });

  test('leave ignored labels out of sum and mean', async () => {
    const node = { opType: 'NegativeLogLikelihoodLoss', opset: 13, attributes: { ignore_index: -7 } };
    expect(await run(node, logP, i64([2], [-7, 1]))).toEqual([[5]]);
  });

  test('cross entropy gives the log-probabilities, too', async () => {
    const [loss, logProbabilities] = await run(
      { opType: 'SoftmaxCrossEntropyLoss', opset: 13, outputs: 2 },
      f32([1, 2], [0, Math.log(3)]),
      i64([1], [1]),
    );
    expect(loss).toEqual([0.28768]);
    expect(logProbabilities).toEqual([-1.38629, -0.28768]);
  });
});

describe('signal processing', () => {
  test('transforms an impulse to a flat spectrum, and back', async () => {
    const node = { opType: 'DFT', opset: 17 };
    const impulse = f32([1, 4, 1], [1, 0, 0, 0]);
    expect(await run(node, impulse)).toEqual([[1, 0, 1, 0, 1, 0, 1, 0]]);
    expect(await run({ ...node, attributes: { onesided: 1 } }, impulse)).toEqual([[1, 0, 1, 0, 1, 0]]);
    const flat = f32([1, 4, 2], [1, 0, 1, 0, 1, 0, 1, 0]);
    expect(await run({ ...node, attributes: { inverse: 1 } }, flat)).toEqual([[1, 0, 0, 0, 0, 0, 0, 0]]);
  });

  test('turns with e^(−2πi n k / N) along the given axis', async () => {
    const shifted = f32([1, 4, 1, 1], [0, 1, 0, 0]);
    expect(await run({ opType: 'DFT', opset: 17, attributes: { axis: 1 } }, shifted)).toEqual([
      [1, 0, 0, -1, -1, 0, 0, 1],
    ]);
  });

  test('cuts a signal into windowed frames', async () => {
    const signal = f32([1, 6, 1], [1, 2, 3, 4, 5, 6]);
    const window = f32([2], [1, 0.5]);
    // Frames (1 2), (3 4), (5 6), the second element halved: sum and difference.
    expect(await run({ opType: 'STFT', opset: 17 }, signal, i64([], [2]), window)).toEqual([
      [2, 0, 0, 0, 5, 0, 1, 0, 8, 0, 2, 0],
    ]);
  });
});

describe('operators of old opsets', () => {
  test('broadcast from the axis on that opset 6 names', async () => {
    const x = f32([2, 3], [0, 0, 0, 0, 0, 0]);
    const node = { opType: 'Add', opset: 6 };
    expect(await run({ ...node, attributes: { broadcast: 1, axis: 0 } }, x, f32([2], [1, 2]))).toEqual([
      [1, 1, 1, 2, 2, 2],
    ]);
    expect(await run({ ...node, attributes: { broadcast: 1, axis: 1 } }, x, f32([3], [1, 2, 3]))).toEqual([
      [1, 2, 3, 1, 2, 3],
    ]);
  });

  test('PRelu has one slope per channel', async () => {
    const x = f32([1, 2, 2], [-1, -1, -1, 1]);
    expect(await run({ opType: 'PRelu', opset: 6 }, x, f32([2], [0.5, 0.25]))).toEqual([[-0.5, -0.5, -0.25, 1]]);
  });
});

describe('operators whose number of results depends on values', () => {
  test('are computed where the values are given', async () => {
    const boxes = f32([1, 3, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 5, 1, 6]);
    const scores = f32([1, 1, 3], [0.8, 0.9, 0.7]);
    const limits = [i64([1], [3]), f32([1], [0.5]), f32([1], [0])];
    expect(await run({ opType: 'NonMaxSuppression', opset: 11 }, boxes, scores, ...limits)).toEqual([
      [0, 0, 1, 0, 0, 2],
    ]);
    expect(await run({ opType: 'Unique', opset: 11, outputs: 4 }, f32([5], [3, 1, 3, 2, 1]))).toEqual([
      [1, 2, 3],
      [1, 3, 0],
      [2, 0, 2, 1, 0],
      [2, 1, 2],
    ]);
    expect(
      await run({ opType: 'Unique', opset: 11, attributes: { axis: 0 } }, f32([3, 2], [2, 1, 0, 5, 2, 1])),
    ).toEqual([[0, 5, 2, 1]]);
    expect(await run({ opType: 'NonZero', opset: 13 }, f32([2, 2], [1, 0, 0, 2]))).toEqual([[0, 1, 0, 1]]);
  });
});

describe('operators of networks that work token by token', () => {
  test('SwiGLU multiplies with the swish of the gate', async () => {
    const gate = Math.log(3); // sigmoid: 3/4
    expect(await run({ opType: 'SwiGLU', opset: 28 }, f32([1], [gate]), f32([1], [4]))).toEqual([
      [Number((3 * gate).toFixed(5))],
    ]);
  });

  test('CausalConvWithState goes on behind its state', async () => {
    const node = { opType: 'CausalConvWithState', opset: 27, outputs: 2 };
    const [x, filter, bias] = [f32([1, 1, 3], [1, 2, 3]), f32([1, 1, 2], [10, 1]), f32([1], [0.5])];
    expect(await run(node, x, filter, bias)).toEqual([[1.5, 12.5, 23.5], [3]]);
    expect(await run(node, x, filter, bias, f32([1, 1, 1], [7]))).toEqual([[71.5, 12.5, 23.5], [3]]);
  });

  test('LinearAttention reads a state that every token updates', async () => {
    const heads = { q_num_heads: 1, kv_num_heads: 1, scale: 1 };
    const node = { opType: 'LinearAttention', opset: 27, outputs: 2 };
    const [query, key, value] = [f32([1, 2, 1], [1, 2]), f32([1, 2, 1], [1, 3]), f32([1, 2, 1], [5, 4])];
    // State 5, then 5 + 3 · 4.
    expect(await run({ ...node, attributes: { ...heads, update_rule: 'linear' } }, query, key, value)).toEqual([
      [5, 34],
      [17],
    ]);
    const past = f32([1, 1, 1, 1], [2]);
    const decay = f32([1, 2, 1], [Math.log(0.5), 0]);
    const beta = f32([1, 2, 1], [1, 0.5]);
    // 2 · ½ = 1, + 1 · (5 − 1) = 5; then 5 + 3 · ½ (4 − 15).
    expect(
      await run(
        { ...node, attributes: { ...heads, update_rule: 'gated_delta' } },
        query,
        key,
        value,
        past,
        decay,
        beta,
      ),
    ).toEqual([[5, -23], [-11.5]]);
  });

  test('an inverse transform of half a spectrum is real', async () => {
    const spectrum = f32([1, 3, 2], [1, 0, 0, -1, -1, 0]);
    const [signal] = await run({ opType: 'DFT', opset: 17, attributes: { inverse: 1, onesided: 1 } }, spectrum);
    expect(signal).toEqual([0, 1, 0, 0]);
  });
});
