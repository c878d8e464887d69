import { describe, expect, it } from 'vitest';
import { type Graph, isQError, type KnownOp, type TensorType } from '../../src/index.ts';
import { stripIoCasts } from '../../src/lowering/index.ts';

const floats: TensorType = { shape: [1, 4], dtype: 'f32' };
const codes: TensorType = {
  shape: [1, 4],
  dtype: 'i8',
  quantization: { kind: 'uniform', expressed: 'f32', scale: 0.5, zeroPoint: 0 },
};

const op = (type: string, name: string, ...inputs: string[]): KnownOp =>
  ({ type, name, inputs, outputs: [name], attributes: {} }) as unknown as KnownOp;

/** Two inputs through casts into a Relu and an Add; `a` is read as float, too, when `shared` is set. */
function lowered(shared = false): Graph {
  const ops = [
    op('top.Input', 'a'),
    op('top.Input', 'b'),
    op('tpu.Cast', 'a_si8', 'a'),
    op('tpu.Cast', 'b_si8', 'b'),
    op('tpu.Relu', 'r', 'a_si8'),
    op('tpu.Add', 's', 'r', 'b_si8'),
    op('tpu.Cast', 'r_f32', 'r'),
    op('tpu.Cast', 's_f32', 's'),
    ...(shared ? [op('tpu.Sigmoid', 'g', 'a')] : []),
  ];
  const typeOfValue = (name: string): TensorType => (/^[abg]$|_f32$/.test(name) ? floats : codes);
  return {
    name: 'net',
    state: 'TPU_LOWERED',
    chip: 'bm1684x',
    platform: 'ONNX',
    ops,
    values: new Map(ops.map(({ name }) => [name, typeOfValue(name)])),
    weights: new Map(),
    outputs: ['r_f32', 's_f32', ...(shared ? ['g'] : [])],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

const names = (graph: Graph): string[] => graph.ops.map(({ name }) => name);

describe('stripIoCasts', () => {
  it('gives inputs the type of their cast, and outputs what the cast was made of', () => {
    const graph = stripIoCasts(lowered(), { inputs: 'all', outputs: 'all' });
    expect(names(graph)).toEqual(['a', 'b', 'r', 's']);
    expect(graph.outputs).toEqual(['r', 's']);
    expect(graph.values.get('a')).toEqual(codes);
    expect(graph.ops.find(({ name }) => name === 'r')!.inputs).toEqual(['a']);
    expect([...graph.values.keys()]).toEqual(['a', 'b', 'r', 's']);
  });

  it('takes positions, counted from one', () => {
    const graph = stripIoCasts(lowered(), { inputs: [2], outputs: [1] });
    expect(names(graph)).toEqual(['a', 'b', 'a_si8', 'r', 's', 's_f32']);
    expect(graph.outputs).toEqual(['r', 's_f32']);
    expect(graph.values.get('a')).toEqual(floats);
  });

  it('leaves what has no cast of its own as it is, and the graph that it was given', () => {
    const before = lowered(true);
    const graph = stripIoCasts(before, { inputs: 'all', outputs: 'all' });
    expect(graph.values.get('a')).toEqual(floats);
    expect(names(graph)).toContain('a_si8');
    expect(graph.outputs).toEqual(['r', 's', 'g']);
    expect(before).toEqual(lowered(true));
    expect(stripIoCasts(before, {})).toEqual(before);
  });

  it('refuses positions that do not exist, all of them', () => {
    try {
      stripIoCasts(lowered(), { inputs: [3], outputs: [0, 2] });
      expect.unreachable();
    } catch (error) {
      if (!isQError(error)) throw error;
      expect(error.issues.map(({ code, where }) => `${code} ${where}`)).toEqual([
        'lower.boundary input 3',
        'lower.boundary output 0',
      ]);
    }
  });
});
