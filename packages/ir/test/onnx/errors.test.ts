import { describe, expect, test } from 'vitest';
import { QError } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/import.ts';
import { floats, importModel, int64s, modelBytes, node } from './build-model.ts';

function failure(run: () => unknown): QError {
  try {
    run();
  } catch (error) {
    if (error instanceof QError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const chain = {
  inputs: { x: [1, 3, 8, 8] },
  outputs: ['y'],
  nodes: [node('Exp', ['x'], ['middle']), node('Relu', ['middle'], ['y'])],
};

describe('import errors', () => {
  test('a truncated file at any length, an empty file and text are corrupt', () => {
    const bytes = modelBytes({
      ...chain,
      initializers: { w: floats([64]) },
      nodes: [...chain.nodes, node('Add', ['y', 'w'], ['z'])],
    });
    const codes = new Set<string>();
    for (let length = 0; length < bytes.length; length++) {
      codes.add(failure(() => importOnnx(bytes.subarray(0, length), { name: 'cut' })).code);
    }
    expect([...codes].every((code) => code.startsWith('onnx.'))).toBe(true);
    expect(failure(() => importOnnx(new TextEncoder().encode('no model'), { name: 'text' })).code).toBe('onnx.corrupt');
  });

  test('flipped bytes give coded errors or a graph, nothing else', () => {
    const bytes = modelBytes({
      ...chain,
      initializers: { s: int64s([1, -1]) },
      nodes: [node('Reshape', ['x', 's'], ['y'])],
    });
    for (let index = 0; index < bytes.length; index++) {
      for (const mask of [1, 0x80, 0xff]) {
        const mutated = bytes.slice();
        mutated[index] = mutated[index]! ^ mask;
        try {
          importOnnx(mutated, { name: 'flipped' });
        } catch (error) {
          expect(error, `byte ${index} ^ ${mask}`).toBeInstanceOf(QError);
        }
      }
    }
  });

  test('all unsupported operators are listed at once, with their nodes', () => {
    const error = failure(() =>
      importModel({
        inputs: { x: [1, 4] },
        outputs: ['c'],
        nodes: [node('Foo', ['x'], ['a']), node('Bar', ['a'], ['b']), node('Foo', ['b'], ['c'])],
      }),
    );
    expect(error.code).toBe('onnx.unsupported-operator');
    expect(error.issues.map(({ found, where }) => [found, where])).toEqual([
      ['Foo', 'node_a, node_c'],
      ['Bar', 'node_b'],
    ]);
    expect(error.message).toContain('Foo (node_a, node_c); Bar (node_b)');
  });

  test('an unknown output suggests the nearest tensor', () => {
    const error = failure(() => importModel(chain, { outputNames: ['midle'] }));
    expect(error).toMatchObject({ code: 'onnx.unknown-output', found: 'midle', hint: 'did you mean middle?' });
  });

  test('output_names truncates, in the given order', () => {
    const graph = importModel(
      { ...chain, nodes: [...chain.nodes, node('Foo', ['y'], ['z'])] },
      { outputNames: ['y', 'middle'] },
    );
    expect(graph.outputs).toEqual(['y_Relu', 'middle_Exp']);
  });

  test('dynamic inputs ask for shapes, and given shapes must fit', () => {
    const dynamic = {
      ...chain,
      inputs: { x: ['N', 3, 8, 8], z: ['M', 2] },
      nodes: [...chain.nodes, node('Exp', ['z'], ['w'])],
    };
    const error = failure(() => importModel(dynamic));
    expect(error.issues.map(({ code, where, found }) => [code, where, found])).toEqual([
      ['onnx.input-shape', 'x', '[?,3,8,8]'],
      ['onnx.input-shape', 'z', '[?,2]'],
    ]);
    expect(failure(() => importModel(chain, { inputShapes: [[1, 3, 8]] })).code).toBe('onnx.input-shape');
    expect(failure(() => importModel(chain, { inputShapes: [] })).code).toBe('onnx.input-shape');
    expect(failure(() => importModel(chain, { inputShapes: [[0, 3, 8, 8]] })).found).toBe('0');
    expect(importModel(chain, { inputShapes: [[2, 3, 4, 4]] }).values.get('y_Relu')!.shape).toEqual([2, 3, 4, 4]);
  });

  test('shapes that do not fit name the nodes, all of them', () => {
    const error = failure(() =>
      importModel({
        inputs: { x: [1, 3, 8, 8] },
        outputs: ['a', 'b'],
        initializers: { w: floats([4, 2, 1, 1]), m: floats([5, 5]) },
        nodes: [node('Conv', ['x', 'w'], ['a'], { kernel_shape: [1, 1] }), node('MatMul', ['x', 'm'], ['b'])],
      }),
    );
    expect(error.code).toBe('graph.shape-mismatch');
    expect(error.issues.map(({ where }) => where)).toEqual(['Conv node node_a', 'MatMul node node_b']);
  });

  test('a node without a required attribute is named', () => {
    const error = failure(() => importModel({ ...chain, nodes: [node('MaxPool', ['x'], ['y'])] }));
    expect(error).toMatchObject({ code: 'onnx.malformed-node', where: 'MaxPool node node_y' });
  });

  test('a missing value and a cycle are named', () => {
    const missing = { ...chain, nodes: [node('Relu', ['nowhere'], ['y'])] };
    expect(failure(() => importModel(missing))).toMatchObject({ code: 'onnx.unknown-value', found: 'nowhere' });
    const cycle = { ...chain, nodes: [node('Relu', ['y'], ['a']), node('Exp', ['a'], ['y'])] };
    expect(failure(() => importModel(cycle)).code).toBe('onnx.cycle');
  });

  test('nodes out of order are sorted', () => {
    expect(importModel({ ...chain, nodes: chain.nodes.toReversed() }).outputs).toEqual(['y_Relu']);
  });

  test('tensors with too few bytes and missing external data are listed together', () => {
    const error = failure(() =>
      importModel({
        ...chain,
        initializers: {
          short: { dims: [4], dataType: 1, rawData: new Uint8Array(8) },
          away: { dims: [4], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] },
        },
      }),
    );
    expect(error.issues.map(({ code, where }) => [code, where])).toEqual([
      ['onnx.tensor', 'short'],
      ['onnx.external-data', 'away'],
    ]);
  });

  test('external data are read where the caller gives them', () => {
    const bytes = new Uint8Array(Float32Array.of(9, 1, 2, 3).buffer);
    const pairs = { location: 'w.bin', offset: '4', length: '12' };
    const externalData = Object.entries(pairs).map(([key, value]) => ({ key, value }));
    const graph = importModel(
      {
        inputs: { x: [1, 3] },
        outputs: ['y'],
        initializers: { w: { dims: [3], dataType: 1, dataLocation: 1, externalData } },
        nodes: [node('Add', ['x', 'w'], ['y'])],
      },
      { externalData: (location) => (location === 'w.bin' ? bytes : undefined) },
    );
    expect([...graph.weights.get('w')!.data]).toEqual([1, 2, 3]);
  });
});
