import { describe, expect, test } from 'vitest';
import { canonicalize, type Graph, verify } from '../../src/index.ts';
import { floats, importModel, int64s, layers, node } from '../onnx/build-model.ts';

type Nodes = ReturnType<typeof node>[];
type Constants = Readonly<Record<string, ReturnType<typeof floats>>>;

/** Imports nodes from `x` to `y` and checks that the result is well formed and stays as it is. */
function graphOf(shape: readonly number[], nodes: Nodes, constants: Constants = {}, outputs = ['y']): Graph {
  const graph = importModel({ inputs: { x: shape }, outputs, initializers: constants, nodes });
  expect(verify(graph)).toEqual([]);
  expect(canonicalize(graph).ops).toEqual(graph.ops);
  return graph;
}

const layersFrom = (...args: Parameters<typeof graphOf>) => layers(graphOf(...args));
const conv = (input: string, output: string, weight = 'w') =>
  node('Conv', [input, weight], [output], { kernel_shape: [1, 1] });
const weights = (graph: Graph, index: number) =>
  graph.ops[index]!.inputs.map((name) => graph.weights.get(name ?? '')).map((weight) => weight && [...weight.data]);

describe('activation fusion', () => {
  test('a Relu goes into the operator before it and keeps its own name and bound', () => {
    const graph = graphOf(
      [1, 1, 2, 2],
      [conv('x', 'c'), node('Relu', ['c'], ['r']), node('Clip', ['r', 'lo', 'hi'], ['y'])],
      { w: floats([1, 1, 1, 1]), lo: floats([], [0]), hi: floats([], [6]) },
    );
    expect(layers(graph)).toEqual(['Conv y_Clip']);
    expect(graph.ops[1]!.attributes).toMatchObject({ doRelu: true, reluLimit: 6 });
  });

  test('an unbounded Relu behind a bounded one keeps the bound', () => {
    const graph = graphOf(
      [1, 1, 2, 2],
      [conv('x', 'c'), node('Clip', ['c', 'lo', 'hi'], ['r']), node('Relu', ['r'], ['y'])],
      { w: floats([1, 1, 1, 1]), lo: floats([], [0]), hi: floats([], [6]) },
    );
    expect(graph.ops[1]!.attributes).toMatchObject({ doRelu: true, reluLimit: 6 });
  });

  test('a Relu of a value that something else reads, or that is an output, stays', () => {
    const nodes = [conv('x', 'c'), node('Relu', ['c'], ['y'])];
    const constants = { w: floats([1, 1, 1, 1]) };
    expect(layersFrom([1, 1, 2, 2], nodes, constants, ['c', 'y'])).toEqual(['Conv c_Conv', 'Relu y_Relu']);
    expect(layersFrom([1, 1, 2, 2], [node('Sigmoid', ['x'], ['s']), node('Relu', ['s'], ['y'])])).toHaveLength(2);
  });

  test('a Relu behind a Concat moves into its inputs', () => {
    const nodes = [
      conv('x', 'a'),
      conv('x', 'b', 'v'),
      node('Concat', ['a', 'b'], ['c'], { axis: 1 }),
      node('Relu', ['c'], ['r']),
      node('Exp', ['r'], ['y']),
    ];
    const constants = { w: floats([1, 1, 1, 1], [1]), v: floats([1, 1, 1, 1], [2]) };
    expect(layersFrom([1, 1, 2, 2], nodes, constants)).toEqual([
      'Conv a_Conv_move_ahead_relu',
      'Conv b_Conv_move_ahead_relu',
      'Concat c_Concat_relu',
      'Exp y_Exp',
    ]);
  });

  test('x / (1 + |x|) is Softsign', () => {
    const nodes = [node('Abs', ['x'], ['a']), node('Add', ['a', 'one'], ['b']), node('Div', ['x', 'b'], ['y'])];
    expect(layersFrom([1, 4], nodes, { one: floats([], [1]) })).toEqual(['Softsign y_Div']);
  });

  test('a GELU written with products is one layer', () => {
    const nodes = [
      node('Mul', ['x', 'root'], ['a']),
      node('Erf', ['a'], ['b']),
      node('Add', ['b', 'one'], ['c']),
      node('Mul', ['x', 'half'], ['h']),
      node('Mul', ['h', 'c'], ['y']),
    ];
    const constants = { root: floats([], [Math.SQRT1_2]), one: floats([], [1]), half: floats([], [0.5]) };
    expect(layersFrom([1, 4], nodes, constants)).toEqual(['GELU y_Mul']);
  });
});

describe('affine fusion', () => {
  test('adding or multiplying one number, per channel numbers, or nothing', () => {
    const binary = (opType: string, constant: ReturnType<typeof floats>, shape = [1, 2, 2, 2]) =>
      layersFrom(shape, [node('Exp', ['x'], ['e']), node(opType, ['e', 'c'], ['y'])], { c: constant }).slice(1);
    expect(binary('Add', floats([1], [3]))).toEqual(['AddConst y_Add']);
    expect(binary('Add', floats([2, 1, 1], [3, 4]))).toEqual(['Scale y_Add']);
    expect(binary('Add', floats([2], [3, 4]))).toEqual(['Add y_Add']);
    expect(binary('Mul', floats([1], [3]))).toEqual(['MulConst y_Mul']);
    expect(binary('Mul', floats([1, 2, 1, 1], [3, 4]))).toEqual(['Scale y_Mul']);
    expect(binary('Mul', floats([1], [1.00001]))).toEqual([]);
    expect(binary('Add', floats([1], [0]))).toEqual([]);
    expect(binary('Div', floats([2], [3, 4]))).toEqual(['Mul y_Div']);
  });

  test('chains of Scales are one, with the product of their numbers', () => {
    const nodes = [
      node('Exp', ['x'], ['e']),
      node('Add', ['e', 'two'], ['a']),
      node('Mul', ['a', 's'], ['b']),
      node('Add', ['b', 't'], ['y']),
    ];
    const constants = { two: floats([], [2]), s: floats([2, 1, 1], [3, 4]), t: floats([2, 1, 1], [5, 6]) };
    const graph = graphOf([1, 2, 2, 2], nodes, constants);
    expect(layers(graph)).toEqual(['Exp e_Exp', 'Scale y_Add']);
    expect(weights(graph, 2).slice(1)).toEqual([
      [3, 4],
      [11, 14],
    ]);
  });

  test('a factor goes into the weights of a product, also through a Reshape', () => {
    const constants = { m: floats([2, 2], [1, 2, 3, 4]), three: floats([], [3]), s: int64s([1, 1, 2]) };
    const direct = graphOf([1, 2], [node('MatMul', ['x', 'm'], ['p']), node('Mul', ['p', 'three'], ['y'])], constants);
    expect(layers(direct)).toEqual(['MatMul y_Mul']);
    expect(weights(direct, 1)[1]).toEqual([3, 6, 9, 12]);
    const nodes = [
      node('MatMul', ['x', 'm'], ['p']),
      node('Reshape', ['p', 's'], ['r']),
      node('Mul', ['r', 'three'], ['y']),
    ];
    expect(layersFrom([1, 2], nodes, constants)).toEqual(['MatMul y_Mul_r_MulOrConv', 'Reshape y_Mul']);
  });
});

describe('convolution and pooling', () => {
  test('means over height and width are pools, other reductions stay', () => {
    const reduce = (opType: string, axes: readonly number[], keepdims = 1) =>
      graphOf([1, 2, 4, 4], [node(opType, ['x'], ['y'], { axes, keepdims })]);
    expect(layers(reduce('ReduceMean', [2, 3]))).toEqual(['AvgPool y_ReduceMean']);
    expect(layers(reduce('ReduceMax', [-1, -2]))).toEqual(['MaxPool y_ReduceMax']);
    expect(layers(reduce('ReduceMean', [1]))).toEqual(['Reduce y_ReduceMean']);
    expect(layers(reduce('ReduceMax', [0], 0))).toEqual(['Reshape y_ReduceMax']);
    expect(layers(reduce('ReduceMax', [0]))).toEqual([]);
    const flat = reduce('ReduceMean', [2, 3], 0);
    expect(flat.values.get('y_ReduceMean')!.shape).toEqual([1, 2]);
    expect(flat.ops[1]!.attributes).toMatchObject({ kernelShape: [4, 4], keepdims: false, countIncludePad: true });
  });

  test('a Pad of several Convs vanishes, one wider than 15 that others read stays', () => {
    const pads = (amount: number) => int64s([0, 0, amount, amount, 0, 0, amount, amount]);
    const nodes = [node('Pad', ['x', 'p'], ['q']), conv('q', 'a'), conv('q', 'b', 'v'), node('Add', ['a', 'b'], ['y'])];
    const constants = { w: floats([1, 1, 1, 1], [1]), v: floats([1, 1, 1, 1], [2]) };
    expect(layersFrom([1, 1, 4, 4], nodes, { ...constants, p: pads(2) })).not.toContain('Pad q_Pad');
    expect(layersFrom([1, 1, 4, 4], nodes, { ...constants, p: pads(16) })).toContain('Pad q_Pad');
  });
});

describe('layout', () => {
  const around = (nodes: Nodes, shape: readonly number[], constants: Constants = {}) =>
    layersFrom(shape, [node('Exp', ['x'], ['e']), ...nodes], constants).slice(1);

  test('Reshapes merge, opposite Permutes vanish, one that moves only ones stays', () => {
    const shapes = { a: int64s([4, 3]), b: int64s([12]) };
    expect(around([node('Reshape', ['e', 'a'], ['r']), node('Reshape', ['r', 'b'], ['y'])], [3, 4], shapes)).toEqual([
      'Reshape y_Reshape',
    ]);
    expect(around([node('Transpose', ['e'], ['y'], { perm: [0, 2, 1] })], [2, 1, 3])).toEqual(['Permute y_Transpose']);
    const twice = [
      node('Transpose', ['e'], ['t'], { perm: [1, 0] }),
      node('Transpose', ['t'], ['u'], { perm: [1, 0] }),
      node('Neg', ['u'], ['y']),
    ];
    // In two dimensions TPU-MLIR keeps the Permute that is left.
    expect(around(twice, [2, 3])).toEqual(['Permute u_Transpose', 'MulConst y_Neg']);
    const thrice = [
      node('Transpose', ['e'], ['t'], { perm: [1, 0, 2] }),
      node('Transpose', ['t'], ['u'], { perm: [1, 0, 2] }),
      node('Neg', ['u'], ['y']),
    ];
    expect(around(thrice, [2, 3, 4])).toEqual(['MulConst y_Neg']);
  });

  test('a six-dimensional shuffle is Depth2Space', () => {
    const shapes = { a: int64s([1, 2, 2, 2, 3, 3]), b: int64s([1, 2, 6, 6]) };
    const nodes = [
      node('Reshape', ['e', 'a'], ['r']),
      node('Transpose', ['r'], ['t'], { perm: [0, 1, 4, 2, 5, 3] }),
      node('Reshape', ['t', 'b'], ['y']),
    ];
    expect(around(nodes, [1, 8, 3, 3], shapes)).toEqual(['Depth2Space y_Reshape']);
  });

  test('Resize by whole numbers is Upsample, by sizes an Interp without operand', () => {
    const scales = { roi: floats([0]), s: floats([4], [1, 1, 2, 2]) };
    const attributes = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    expect(around([node('Resize', ['e', 'roi', 's'], ['y'], attributes)], [1, 1, 3, 3], scales)).toEqual([
      'Upsample y_Resize',
    ]);
    const graph = graphOf([1, 1, 3, 3], [node('Resize', ['x', '', '', 'z'], ['y'], { mode: 'linear' })], {
      z: int64s([1, 1, 5, 4]),
    });
    expect(layers(graph)).toEqual(['Interp y_Resize']);
    expect(graph.ops[1]).toMatchObject({ inputs: ['x', null], attributes: { scaleH: 5 / 3, scaleW: 4 / 3 } });
    expect(graph.weights.size).toBe(0);
  });

  test('Expand is a Tile, or nothing before an operator that broadcasts', () => {
    const shape = { s: int64s([2, 3, 4]) };
    expect(around([node('Expand', ['e', 's'], ['y'])], [1, 3, 4], shape)).toEqual(['Tile y_Expand']);
    const both = graphOf([2, 3, 4], [node('Expand', ['small', 's'], ['w']), node('Add', ['x', 'w'], ['y'])], {
      small: floats([4]),
      ...shape,
    });
    expect(layers(both)).toEqual(['Add y_Add']);
  });

  test('Squeeze undone by Unsqueeze gives its producer the Unsqueeze’s name', () => {
    const nodes = [node('Squeeze', ['e', 'a'], ['s']), node('Unsqueeze', ['s', 'a'], ['u']), node('Neg', ['u'], ['y'])];
    expect(layersFrom([1, 4], [node('Exp', ['x'], ['e']), ...nodes], { a: int64s([0]) })).toEqual([
      'Exp u_Unsqueeze',
      'MulConst y_Neg',
    ]);
  });
});

describe('slicing', () => {
  const focus = (order: readonly (readonly [number, number])[]) => {
    const names = order.map((_, index) => `p${index}`);
    const nodes = order.map((_, index) => node('Slice', ['x', `s${index}`, 'ends', 'axes', 'steps'], [names[index]!]));
    const starts = Object.fromEntries(order.map(([h, w], index) => [`s${index}`, int64s([h, w])]));
    return graphOf([1, 1, 4, 4], [...nodes, node('Concat', names, ['c'], { axis: 1 }), conv('c', 'y')], {
      ...starts,
      ends: int64s([2n ** 63n - 1n, 2n ** 63n - 1n]),
      axes: int64s([2, 3]),
      steps: int64s([2, 2]),
      w: floats([1, 4, 1, 1], [1, 2, 3, 4]),
    });
  };

  test('YOLO’s Focus is Depth2Space; another block order is moved into the Conv’s filter', () => {
    const inOrder = focus([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    expect(layers(inOrder)).toEqual(['Depth2Space c_Concat', 'Conv y_Conv']);
    const other = focus([
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
    expect(layers(other)).toEqual(['Depth2Space c_Concat_r_Depth2Space', 'Conv y_Conv']);
    expect(weights(other, 2)[1]).toEqual([1, 3, 2, 4]);
  });

  test('Slices of Slices merge, Slices of everything vanish, backward ones are Reverse', () => {
    const bounds = { s: int64s([1]), e: int64s([5]), a: int64s([0]), p: int64s([2]) };
    const graph = graphOf(
      [8],
      [node('Slice', ['x', 's', 'e', 'a'], ['t']), node('Slice', ['t', 's', 'e', 'a', 'p'], ['y'])],
      bounds,
    );
    expect(layers(graph)).toEqual(['Slice y_Slice']);
    expect(graph.ops[1]!.attributes).toMatchObject({ offset: [2], steps: [2], ends: [5] });
    const reverse = { s: int64s([-1]), e: int64s([-(2n ** 63n - 1n)]), a: int64s([0]), p: int64s([-1]) };
    expect(layersFrom([8], [node('Slice', ['x', 's', 'e', 'a', 'p'], ['y'])], reverse)).toEqual(['Reverse y_Slice']);
  });

  test('Gather with constant indices is a Slice, with a scalar index a Slice and a Squeeze', () => {
    const gather = (indices: ReturnType<typeof int64s>) =>
      layersFrom([4, 6], [node('Gather', ['x', 'i'], ['y'], { axis: 1 })], { i: indices });
    expect(gather(int64s([1, 3, 5]))).toEqual(['Slice y_Gather']);
    expect(gather(int64s([-1], []))).toEqual(['Slice y_Gather_slice', 'Squeeze y_Gather']);
    expect(gather(int64s([3, 1]))).toEqual(['Gather y_Gather']);
  });
});

describe('comparison', () => {
  test('Where(x > c, x, c) is MaxConst, Max with a number too', () => {
    const constants = { c: floats([1], [2]) };
    const where = [node('Greater', ['x', 'c'], ['g']), node('Where', ['g', 'x', 'c'], ['y'])];
    expect(layersFrom([1, 4], where, constants)).toEqual(['MaxConst y_Where']);
    const below = [node('Less', ['x', 'c'], ['g']), node('Where', ['g', 'x', 'c'], ['y'])];
    expect(layersFrom([1, 4], below, constants)).toEqual(['MinConst y_Where']);
    expect(layersFrom([1, 4], [node('Max', ['c', 'x'], ['y'])], constants)).toEqual(['MaxConst y_Max']);
  });
});

describe('two convolutions', () => {
  const kernel = (input: string, output: string, weight: string, side: number, bias: string[] = [], more = {}) =>
    node('Conv', [input, weight, ...bias], [output], { kernel_shape: [side, side], ...more });
  const constants = {
    w: floats([2, 2, 1, 1], [1, 0.1, 3, -2]),
    p: floats([2], [0.5, 0.1]),
    v: floats([1, 2, 2, 2], [1, 2, 3, 4, 0.3, 6, 7, 8]),
    b: floats([1], [10]),
  };

  test('a 1x1 Conv and the Conv that alone reads it are one, summed in float32', () => {
    const graph = graphOf(
      [1, 2, 4, 4],
      [kernel('x', 'c', 'w', 1, ['p']), kernel('c', 'd', 'v', 2, ['b']), node('Relu', ['d'], ['y'])],
      constants,
    );
    expect(layers(graph)).toEqual(['Conv y_Relu']);
    expect(graph.ops[1]!.inputs.slice(1)).toEqual(['d_Conv_merge_filter_weight', 'd_Conv_merge_bias_weight']);
    const f = Math.fround;
    const products = (first: number[], second: number[]) =>
      first.map((value, i) => f(f(value * f(0.1)) + f(second[i]! * -2)));
    const [, filter, bias] = weights(graph, 1);
    expect(filter).toEqual([
      ...[1, 2, 3, 4].map((value, i) => f(value + f(f([0.3, 6, 7, 8][i]!) * 3))),
      ...products([1, 2, 3, 4], [f(0.3), 6, 7, 8]),
    ]);
    const sum = [0.3, 6, 7, 8].reduce((total, value) => f(total + f(f(0.1) * f(value))), 5);
    expect(bias).toEqual([f(10 + sum)]);
  });

  test('without biases there is none, and one that only the second has stays', () => {
    const merged = (...bias: string[]) =>
      graphOf([1, 2, 4, 4], [kernel('x', 'c', 'w', 1), kernel('c', 'y', 'v', 2, bias)], constants).ops[1]!;
    expect(merged().inputs[2]).toBeNull();
    expect(merged('b').inputs[2]).toBe('y_Conv_merge_bias_weight');
  });

  test('not with a Relu, pads, groups or strides between, nor where something else reads the first', () => {
    const first = kernel('x', 'c', 'w', 1);
    const second = kernel('c', 'y', 'v', 2);
    const count = (nodes: Nodes, outputs = ['y']) => layersFrom([1, 2, 4, 4], nodes, constants, outputs).length;
    expect(count([first, second])).toBe(1);
    expect(count([first, second], ['c', 'y'])).toBe(2);
    expect(count([first, node('Relu', ['c'], ['r']), kernel('r', 'y', 'v', 2)])).toBe(2);
    expect(count([first, kernel('c', 'y', 'v', 2, [], { pads: [1, 1, 1, 1] })])).toBe(2);
    expect(count([kernel('x', 'c', 'w', 1, [], { strides: [2, 2] }), second])).toBe(2);
    const grouped = { ...constants, g: floats([2, 1, 1, 1]) };
    const nodes = [kernel('x', 'c', 'g', 1, [], { group: 2 }), second];
    expect(layersFrom([1, 2, 4, 4], nodes, grouped)).toHaveLength(2);
  });

  test('nor where the merged filter would be more than twenty times as large', () => {
    const large = { w: floats([1, 64, 1, 1]), v: floats([64, 1, 1, 1]) };
    const nodes = [kernel('x', 'c', 'w', 1), kernel('c', 'y', 'v', 1)];
    expect(layersFrom([1, 64, 2, 2], nodes, large)).toHaveLength(2);
  });
});
