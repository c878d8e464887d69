// Layers, shapes and orders recorded with TPU-MLIR v1.17 and v1.30.2; 1.17 writes `_new` for `_r_new` and so on.
import { describe, expect, test } from 'vitest';
import { canonicalize, type Graph, verify } from '../../src/index.ts';
import { floats, importModel, int64s, node } from '../onnx/build-model.ts';

type Nodes = ReturnType<typeof node>[];

/** Imports nodes from `x` to `y`; each layer but the input as `type name [shape]`, with its order where it has one. */
function described(shape: readonly number[], nodes: Nodes, initializers: Record<string, ReturnType<typeof floats>>) {
  const graph = importModel({ inputs: { x: shape }, outputs: ['y'], initializers, nodes });
  expect(verify(graph)).toEqual([]);
  expect(canonicalize(graph).ops).toEqual(graph.ops);
  return layersOf(graph);
}

function layersOf(graph: Graph): string[] {
  return graph.ops.slice(1).map((op) => {
    const order = op.type === 'top.Permute' ? ` by ${op.attributes.order.join('')}` : '';
    return `${op.type.slice(4)} ${op.name} ${graph.values.get(op.name)!.shape.join('x')}${order}`;
  });
}

const one = { one: floats([1], [1.0000001]) };
const passed = (from: string, to: string) => node('Mul', [from, 'one'], [to]);

describe('Permutes', () => {
  const between = (shape: readonly number[], nodes: Nodes, more = {}) =>
    described(shape, [node('Relu', ['x'], ['r']), ...nodes, node('Sigmoid', ['u'], ['y'])], { ...one, ...more }).slice(
      1,
      -1,
    );

  test('two that do not undo each other stay two', () => {
    const nodes = [
      node('Transpose', ['r'], ['t'], { perm: [0, 2, 1, 3] }),
      passed('t', 'm'),
      node('Transpose', ['m'], ['u'], { perm: [0, 1, 3, 2] }),
    ];
    expect(between([1, 3, 4, 5], nodes)).toEqual([
      'Permute t_Transpose 1x4x3x5 by 0213',
      'Permute u_Transpose 1x4x5x3 by 0132',
    ]);
  });

  test('two that undo each other around a Reshape, or but for ones, are a Reshape', () => {
    const nodes = [
      node('Transpose', ['r'], ['t'], { perm: [0, 2, 3, 1] }),
      node('Reshape', ['t', 'sh'], ['q']),
      node('Transpose', ['q'], ['u'], { perm: [0, 2, 1] }),
    ];
    expect(between([1, 3, 4, 5], nodes, { sh: int64s([1, 20, 3]) })).toEqual(['Reshape r_Relu_r_Reshape 1x3x20']);
    const ones = [
      node('Transpose', ['r'], ['t'], { perm: [1, 0, 2, 3] }),
      passed('t', 'm'),
      node('Transpose', ['m'], ['u'], { perm: [1, 2, 0, 3] }),
    ];
    expect(between([3, 4, 1, 5], ones)).toEqual(['Reshape r_Relu_r_Reshape 3x1x4x5']);
  });

  test('one of five dimensions that no four describe is two', () => {
    const nodes = [node('Transpose', ['r'], ['u'], { perm: [2, 0, 3, 1, 4] })];
    expect(between([2, 3, 4, 5, 6], nodes)).toEqual([
      'Permute u_Transpose_r_expand0 4x5x2x3x6 by 23014',
      'Permute u_Transpose 4x2x5x3x6 by 02134',
    ]);
    expect(between([1, 3, 4, 5, 6], nodes)).toEqual(['Permute u_Transpose 4x1x5x3x6 by 20314']);
    const last = [node('Transpose', ['r'], ['u'], { perm: [4, 1, 3, 0, 2] })];
    expect(between([2, 3, 4, 5, 6], last).at(-1)).toBe('Permute u_Transpose 6x3x5x2x4 by 12034');
  });
});

test('pixel shuffles of either order, and back, are Depth2Space', () => {
  const shuffled = (input: number[], view: number[], perm: number[], output: number[]) => {
    const nodes = [
      node('Reshape', ['x', 'a'], ['b']),
      node('Transpose', ['b'], ['t'], { perm }),
      node('Reshape', ['t', 'c'], ['y']),
    ];
    const initializers = { a: int64s(view), c: int64s(output) };
    const graph = importModel({ inputs: { x: input }, outputs: ['y'], initializers, nodes });
    expect(layersOf(graph)).toEqual([`Depth2Space y_Reshape ${output.join('x')}`]);
    return graph.ops[1]!.attributes;
  };
  const [channels, pixels] = [
    [1, 48, 3, 5],
    [1, 8, 6, 15],
  ];
  const block = { blockH: 2, blockW: 3 };
  const isCRD = true;
  const isInversed = true;
  expect(shuffled(channels, [1, 8, 2, 3, 3, 5], [0, 1, 4, 2, 5, 3], pixels)).toMatchObject({ ...block, isCRD });
  expect(shuffled(channels, [1, 2, 3, 8, 3, 5], [0, 3, 4, 1, 5, 2], pixels)).toMatchObject({ ...block, isCRD: false });
  const back = [1, 8, 3, 2, 5, 3];
  expect(shuffled(pixels, back, [0, 1, 3, 5, 2, 4], channels)).toMatchObject({ ...block, isCRD, isInversed });
  expect(shuffled(pixels, back, [0, 3, 5, 1, 2, 4], channels)).toMatchObject({ ...block, isCRD: false, isInversed });
});

describe('queries, keys and values', () => {
  const weight = {
    w: floats(
      [12, 36],
      Array.from({ length: 432 }, (_, at) => Math.sin(at)),
    ),
  };
  const indices = { i0: int64s([0], []), i1: int64s([1], []), i2: int64s([2], []) };
  const apart = (shape: string, perm: readonly number[]) => [
    node('MatMul', ['x', 'w'], ['m']),
    node('Reshape', ['m', shape], ['r']),
    node('Transpose', ['r'], ['t'], { perm }),
  ];
  const parts = (from: string, axis = 0) =>
    [0, 1, 2].map((at) => node('Gather', [from, `i${at}`], [`g${at}`], { axis }));
  const constants = { ...weight, ...indices, five: int64s([2, 5, 3, 3, 4]) };
  const slices = [0, 1, 2].flatMap((at) => [
    `Slice g${at}_Gather_slice_r_new 2x5x1x3x4`,
    `Squeeze g${at}_Gather_r_new 2x5x3x4`,
  ]);

  test('are sliced before they are permuted, each for its reader', () => {
    const attention = [
      node('Transpose', ['g1'], ['kt'], { perm: [0, 1, 3, 2] }),
      node('MatMul', ['g0', 'kt'], ['s']),
      node('Softmax', ['s'], ['p'], { axis: -1 }),
      node('MatMul', ['p', 'g2'], ['y']),
    ];
    const nodes = [...apart('five', [2, 0, 3, 1, 4]), ...parts('t'), ...attention];
    expect(described([2, 5, 12], nodes, constants)).toEqual([
      'MatMul m_MatMul 2x5x36',
      'Reshape r_Reshape 2x5x3x3x4',
      ...slices,
      'Permute g1_Gather_r_new_r_permute_for_kt_Transpose 2x3x5x4 by 0213',
      'Permute kt_Transpose 2x3x4x5 by 0132',
      'Permute g0_Gather_r_new_r_permute_for_s_MatMul 2x3x5x4 by 0213',
      'MatMul s_MatMul 2x3x5x5',
      'Softmax p_Softmax 2x3x5x5',
      'Permute g2_Gather_r_new_r_permute_for_y_MatMul 2x3x5x4 by 0213',
      'MatMul y_MatMul 2x3x5x4',
    ]);
  });

  test('one reader of two of them, and one of them with two readers', () => {
    const sums = [node('Add', ['g0', 'g1'], ['a']), node('Mul', ['a', 'g0'], ['b']), node('Mul', ['b', 'g2'], ['y'])];
    const nodes = [...apart('five', [2, 0, 3, 1, 4]), ...parts('t'), ...sums];
    expect(described([2, 5, 12], nodes, constants).slice(8)).toEqual([
      'Permute g1_Gather_r_new_r_permute_for_a_Add 2x3x5x4 by 0213',
      'Permute g0_Gather_r_new_r_permute_for_a_Add 2x3x5x4 by 0213',
      'Add a_Add 2x3x5x4',
      'Mul b_Mul 2x3x5x4',
      'Permute g2_Gather_r_new_r_permute_for_y_Mul 2x3x5x4 by 0213',
      'Mul y_Mul 2x3x5x4',
    ]);
  });

  test('heads and batch joined before they are sliced are joined behind the Permutes', () => {
    const sums = [node('Add', ['g0', 'g1'], ['a']), node('Mul', ['a', 'g2'], ['y'])];
    const joined = node('Reshape', ['t', 'batch'], ['j']);
    const nodes = [...apart('six', [2, 0, 3, 1, 4]), joined, ...parts('j'), ...sums];
    const shapes = { ...weight, ...indices, six: int64s([2, 6, 3, 3, 4]), batch: int64s([3, 6, 6, 4]) };
    const found = described([2, 2, 3, 12], nodes, shapes);
    expect(found.slice(2, 4)).toEqual(['Slice g0_Gather_slice_r_new 2x6x1x3x4', 'Squeeze g0_Gather_r_new 2x6x3x4']);
    expect(found.slice(8, 10)).toEqual([
      'Permute g1_Gather_r_new_r_permute_for_a_Add 2x3x6x4 by 0213',
      'Reshape g1_Gather_r_new_r_permute_for_a_Add_r_reshape3 6x6x4',
    ]);
  });

  test('stay where the Slices are along another dimension than the first, where TPU-MLIR permutes wrongly', () => {
    const sums = [node('Add', ['g0', 'g1'], ['a']), node('Mul', ['a', 'g2'], ['y'])];
    const nodes = [...apart('five', [0, 2, 3, 1, 4]), ...parts('t', 1), ...sums];
    expect(described([2, 5, 12], nodes, constants)[2]).toBe('Permute t_Transpose 2x3x3x5x4 by 02314');
  });
});
