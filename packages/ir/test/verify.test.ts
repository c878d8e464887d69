import { describe, expect, test } from 'vitest';
import {
  attributesWithDefaults,
  type Graph,
  inferShapes,
  type KnownOp,
  type TensorType,
  verify,
} from '../src/index.ts';

const f32 = (...shape: number[]): TensorType => ({ shape, dtype: 'f32' });
const input: KnownOp = {
  type: 'top.Input',
  name: 'x',
  inputs: [],
  outputs: ['x'],
  attributes: { doPreprocess: false },
};

function relu(name: string, from: string): KnownOp {
  return {
    type: 'top.Relu',
    name,
    inputs: [from],
    outputs: [name],
    attributes: attributesWithDefaults('top.Relu', {}),
  };
}

function graph(ops: readonly KnownOp[], change: Partial<Graph> = {}): Graph {
  return {
    name: 'g',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops,
    values: new Map(ops.flatMap((op) => op.outputs).map((name) => [name!, f32(1, 4)])),
    weights: new Map(),
    outputs: ['y'],
    tensorNames: new Map(),
    moduleAttributes: {},
    ...change,
  };
}

const codes = (subject: Graph) => verify(subject).map(({ code, where, found }) => [code, where, found]);

describe('verify', () => {
  test('a well-formed graph has no issues', () => {
    expect(verify(graph([input, relu('y', 'x')]))).toEqual([]);
  });

  test('all issues come at once', () => {
    const wrong = graph([input, relu('y', 'later'), relu('later', 'nowhere'), relu('x', 'x')], {
      outputs: ['y', 'gone'],
      weights: new Map([['w', { type: f32(3), data: new Float32Array(2) }]]),
    });
    expect(codes(wrong)).toEqual([
      ['graph.duplicate-name', 'x', 'x'],
      ['graph.order', 'y', 'later'],
      ['graph.unknown-operand', 'later', 'nowhere'],
      ['graph.output', 'outputs', 'gone'],
      ['graph.weight', 'w', '8 bytes'],
    ]);
  });

  test('types that disagree with the shape rule are named', () => {
    const values = new Map([
      ['x', f32(1, 4)],
      ['y', f32(1, 5)],
    ]);
    expect(verify(graph([input, relu('y', 'x')], { values }))).toEqual([
      { code: 'graph.type', where: 'y', found: '[1,5] f32', expected: '[1,4] f32' },
    ]);
  });

  test('too few operands, missing attributes and inputs after operators are named', () => {
    const conv = {
      type: 'top.Conv',
      name: 'y',
      inputs: ['x'],
      outputs: ['y'],
      attributes: { group: 1 },
    } as unknown as KnownOp;
    expect(codes(graph([conv, input])).map(([code]) => code)).toEqual([
      'graph.order',
      'graph.order',
      'graph.arity',
      ...Array(7).fill('graph.attribute'),
    ]);
  });

  test('a shape that no rule accepts is an issue of its layer', () => {
    const add = (name: string, ...inputs: string[]): KnownOp => ({
      type: 'top.Add',
      name,
      inputs,
      outputs: [name],
      attributes: attributesWithDefaults('top.Add', {}),
    });
    const weights = new Map([['w', { type: f32(3), data: new Float32Array(3) }]]);
    expect(codes(graph([input, add('y', 'x', 'w')], { weights }))).toEqual([
      ['graph.shape-mismatch', 'y', '[1,4] and [3]'],
    ]);
    expect(() => inferShapes(graph([input, add('y', 'x', 'w')], { weights }))).toThrow('top.Add y');
  });
});

describe('a lowered graph', () => {
  const lowered = (attributes: object, type: TensorType) => {
    const op = {
      type: 'tpu.Reshape',
      name: 'y',
      inputs: ['x'],
      outputs: ['y'],
      attributes,
    } as unknown as KnownOp;
    return graph([input, op], {
      values: new Map([
        ['x', f32(1, 4)],
        ['y', type],
      ]),
    });
  };

  test('decides element types by itself', () => {
    expect(verify(lowered({ shape: [2, 2], flattenStartDim: -1 }, { shape: [2, 2], dtype: 'f16' }))).toEqual([]);
  });

  test('may leave the target of a Reshape to the type of its result', () => {
    expect(verify(lowered({ shape: [], flattenStartDim: -1 }, f32(4, 1)))).toEqual([]);
    expect(codes(lowered({ shape: [], flattenStartDim: -1 }, f32(5)))).toEqual([
      ['graph.shape-mismatch', 'y', '[1,4] and []'],
    ]);
  });
});

describe('inferShapes', () => {
  test('follows a changed input and keeps what quantization was known', () => {
    const calibrated = { ...f32(1, 4), quantization: { kind: 'calibrated', min: 0, max: 1 } } as const;
    const values = new Map<string, TensorType>([
      ['x', f32(2, 8)],
      ['y', calibrated],
    ]);
    expect(inferShapes(graph([input, relu('y', 'x')], { values })).values.get('y')).toEqual({
      ...calibrated,
      shape: [2, 8],
    });
  });
});
