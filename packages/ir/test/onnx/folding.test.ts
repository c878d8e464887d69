import { describe, expect, test } from 'vitest';
import { decodeModel } from '../../src/onnx/decode.ts';
import { foldConstants } from '../../src/onnx/fold/evaluate.ts';
import { floats, importModel, int64s, layers, modelBytes, node } from './build-model.ts';

/** Value of tensor `y` after folding nodes over constants. */
function folded(
  initializers: Parameters<typeof modelBytes>[0]['initializers'],
  nodes: ReturnType<typeof node>[],
  opset = 13,
) {
  const graph = decodeModel(
    modelBytes({ inputs: {}, outputs: ['y'], initializers: initializers ?? {}, nodes, opset }),
    'test',
  );
  while (foldConstants(graph, new Map()));
  const result = graph.constants.get('y');
  return result === undefined ? undefined : { shape: result.shape, values: [...result.data] };
}

const one = (
  opType: string,
  inputs: Record<string, ReturnType<typeof floats>>,
  attributes: Parameters<typeof node>[3] = {},
) => folded(inputs, [node(opType, Object.keys(inputs), ['y'], attributes)]);

describe('constant folding', () => {
  test('computes int64 exactly', () => {
    const big = 2n ** 62n + 1n;
    expect(one('Add', { a: int64s([big]), b: int64s([2]) })?.values).toEqual([big + 2n]);
    expect(one('Mul', { a: int64s([2n ** 31n + 1n]), b: int64s([2n ** 31n - 1n]) })?.values).toEqual([2n ** 62n - 1n]);
    expect(one('Div', { a: int64s([-7, 7]), b: int64s([2]) })?.values).toEqual([-3n, 3n]);
    expect(one('Mod', { a: int64s([-7, 7]), b: int64s([3]) })?.values).toEqual([2n, 1n]);
    expect(one('Mod', { a: int64s([-7, 7]), b: int64s([3]) }, { fmod: 1 })?.values).toEqual([-1n, 1n]);
    expect(one('ReduceProd', { a: int64s([2n ** 31n, 2n ** 31n]) })?.values).toEqual([2n ** 62n]);
  });

  test('rounds every float operation to f32', () => {
    expect(one('Add', { a: floats([1], [16777216]), b: floats([1], [1]) })?.values).toEqual([16777216]);
    expect(one('Div', { a: floats([1], [1]), b: floats([1], [3]) })?.values).toEqual([Math.fround(1 / 3)]);
    expect(one('Round', { a: floats([4], [0.5, 1.5, -0.5, -2.5]) })?.values).toEqual([0, 2, -0, -2]);
  });

  test('moves data', () => {
    const m = floats([2, 3], [1, 2, 3, 4, 5, 6]);
    expect(one('Transpose', { m })).toEqual({ shape: [3, 2], values: [1, 4, 2, 5, 3, 6] });
    expect(one('Slice', { m, s: int64s([-1]), e: int64s([-10]), a: int64s([1]), p: int64s([-2]) })).toEqual({
      shape: [2, 2],
      values: [3, 1, 6, 4],
    });
    expect(one('Gather', { m, i: int64s([-1, 0]) }, { axis: 1 })).toEqual({ shape: [2, 2], values: [3, 1, 6, 4] });
    expect(one('Concat', { m, n: floats([2, 1], [7, 8]) }, { axis: -1 })).toEqual({
      shape: [2, 4],
      values: [1, 2, 3, 7, 4, 5, 6, 8],
    });
    expect(one('Tile', { m: floats([1, 2], [1, 2]), r: int64s([2, 2]) })).toEqual({
      shape: [2, 4],
      values: [1, 2, 1, 2, 1, 2, 1, 2],
    });
    expect(one('Expand', { m: floats([2, 1], [1, 2]), s: int64s([2, 2, 2]) })?.values).toEqual([
      1, 1, 2, 2, 1, 1, 2, 2,
    ]);
    expect(one('Squeeze', { m: floats([1, 2, 1]) })?.shape).toEqual([2]);
    expect(one('Unsqueeze', { m: floats([2]), a: int64s([0, -1]) })?.shape).toEqual([1, 2, 1]);
    expect(one('Reshape', { m, s: int64s([0, -1, 1]) })?.shape).toEqual([2, 3, 1]);
    expect(one('ConstantOfShape', { s: int64s([2]) }, { value: int64s([7]) })?.values).toEqual([7n, 7n]);
    expect(one('Range', { a: int64s([1], []), b: int64s([6], []), c: int64s([2], []) })?.values).toEqual([1n, 3n, 5n]);
    expect(one('NonZero', { m: floats([2, 2], [1, 0, 0, 2]) })).toEqual({ shape: [2, 2], values: [0n, 1n, 0n, 1n] });
  });

  test('compares, selects and casts', () => {
    const a = floats([3], [1, 2, 3]);
    const b = floats([1], [2]);
    expect(one('Greater', { a, b })?.values).toEqual([0, 0, 1]);
    expect(one('Cast', { c: floats([3], [1.7, -1.7, 0]) }, { to: 7 })?.values).toEqual([1n, -1n, 0n]);
    const where = folded({ a, b }, [node('LessOrEqual', ['a', 'b'], ['c']), node('Where', ['c', 'a', 'b'], ['y'])]);
    expect(where?.values).toEqual([1, 2, 2]);
  });

  test('resolves shape arithmetic of old exporters to a static Reshape', () => {
    const graph = importModel({
      inputs: { x: [2, 3, 4, 5] },
      outputs: ['y'],
      opset: 9,
      initializers: { zero: int64s([0], []) },
      initializersAsInputs: true,
      nodes: [
        node('Transpose', ['x'], ['t'], { perm: [0, 2, 3, 1] }),
        node('Shape', ['t'], ['s']),
        node('Gather', ['s', 'zero'], ['n']),
        node('Unsqueeze', ['n'], ['u'], { axes: [0] }),
        node('Constant', [], ['m'], { value: int64s([-1]) }),
        node('Concat', ['u', 'm'], ['r'], { axis: 0 }),
        node('Reshape', ['t', 'r'], ['y']),
      ],
    });
    expect(layers(graph)).toEqual(['Permute t_Transpose', 'Reshape y_Reshape']);
    expect(graph.ops[2]!.attributes).toMatchObject({ shape: [2, 60] });
    expect(graph.ops.filter((op) => op.type === 'top.Input')).toHaveLength(1);
  });

  test('leaves QuantizeLinear of a constant alone', () => {
    const zero = { dims: [], dataType: 3, rawData: Uint8Array.of(0) };
    const graph = importModel({
      inputs: { x: [1, 2] },
      outputs: ['y'],
      initializers: { w: { dims: [1, 2], dataType: 3, rawData: Uint8Array.of(1, 255) }, s: floats([], [0.5]), z: zero },
      nodes: [node('DequantizeLinear', ['w', 's', 'z'], ['d']), node('Add', ['x', 'd'], ['y'])],
    });
    expect(layers(graph)).toEqual(['DequantizeLinear d_DequantizeLinear', 'Add y_Add']);
    expect([...graph.weights.get('w')!.data]).toEqual([1, -1]);
  });
});
