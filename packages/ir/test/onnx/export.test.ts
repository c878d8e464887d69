import { readFileSync } from 'node:fs';
import {
  attributesWithDefaults,
  type Graph,
  isQError,
  type KnownOp,
  type Op,
  type OpAttributes,
  type OpType,
  operatorTable,
  type TensorType,
  type Weight,
} from '@q/ir';
import { exportOnnx, hasOnnxForm, importOnnx } from '@q/ir/onnx';
import { describe, expect, it } from 'vitest';
import { sharedFolder } from '../shared-folder.ts';
import { readOnnxFile } from './read-nodes.ts';

interface Step<T extends OpType = OpType> {
  readonly type: T;
  readonly name: string;
  readonly inputs: readonly (string | null)[];
  readonly attributes?: Partial<OpAttributes[T]>;
}

const step = <T extends OpType>(
  type: T,
  name: string,
  inputs: readonly (string | null)[],
  attributes: Partial<OpAttributes[T]> = {},
): Step => ({ type, name, inputs, attributes }) as unknown as Step;

/** A graph of one input `x` and these steps; the last one is the output. */
function graphOf(
  shape: readonly number[],
  steps: readonly Step[],
  weights: Readonly<Record<string, Weight>> = {},
): Graph {
  const values = new Map<string, TensorType>([['x', { shape, dtype: 'f32' }]]);
  const ops: Op[] = [
    { type: 'top.Input', name: 'x', inputs: [], outputs: ['x'], attributes: attributesWithDefaults('top.Input', {}) },
  ];
  for (const { type, name, inputs, attributes } of steps) {
    const full = attributesWithDefaults(type, attributes ?? {});
    const types = inputs.map((input) => (input === null ? null : (values.get(input) ?? weights[input]!.type)));
    const inferred = operatorTable[type].inferShapes({
      attributes: full as never,
      inputs: types,
      weight: (i) => weights[inputs[i] ?? ''],
    });
    values.set(name, inferred.outputs[0]!);
    ops.push({ type, name, inputs, outputs: [name], attributes: inferred.attributes ?? full } as unknown as KnownOp);
  }
  return {
    name: 'g',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops,
    values,
    weights: new Map(Object.entries(weights)),
    outputs: [steps.at(-1)!.name],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}

const weight = (shape: readonly number[], data: readonly number[]): Weight => ({
  type: { shape, dtype: 'f32' },
  data: Float32Array.from(data),
});
const nodesOf = (graph: Graph, opset?: number) => readOnnxFile(exportOnnx(graph, opset === undefined ? {} : { opset }));
const types = (graph: Graph, opset?: number) => nodesOf(graph, opset).nodes.map(({ opType }) => opType);

describe('files', () => {
  it('use opset 13 unless an operator gains from a newer one, and the oldest file version that goes with it', () => {
    const file = nodesOf(graphOf([1, 4], [step('top.Abs', 'y', ['x'])]));
    expect([file.opset, file.irVersion]).toEqual([13, 7]);
    const swish = graphOf([1, 4], [step('top.HardSwish', 'y', ['x'])]);
    expect(nodesOf(swish).opset).toBe(14);
    expect(types(swish)).toEqual(['HardSwish']);
    expect(types(swish, 13)).toEqual(['HardSigmoid', 'Mul']);
    expect(nodesOf(swish, 21).irVersion).toBe(10);
    for (const opset of [12, 25, 13.5]) expect(() => exportOnnx(swish, { opset })).toThrow(/Opset/);
  });

  it('spell out what an opset lacks', () => {
    const norm = graphOf(
      [1, 2, 4],
      [step('top.LayerNorm', 'y', ['x', null, null], { axis: 2, eps: 1e-5, normalizedShape: [4] })],
    );
    expect(types(norm)).toEqual(['LayerNormalization']);
    expect(types(norm, 13)).toEqual(['ReduceMean', 'Sub', 'Mul', 'ReduceMean', 'Add', 'Sqrt', 'Div']);
    expect(nodesOf(norm, 18).nodes).toHaveLength(1);
    expect(types(graphOf([1, 4], [step('top.GELU', 'y', ['x'])]), 20)).toEqual(['Gelu']);
    expect(types(graphOf([1, 4], [step('top.GELU', 'y', ['x'])]))).toEqual(['Div', 'Erf', 'Add', 'Mul', 'Mul']);
  });

  it('are the same bytes for the same graph', () => {
    const graph = graphOf(
      [1, 4],
      [step('top.AddConst', 'y', ['x'], { constVal: 0.5 }), step('top.Softmax', 'z', ['y'], { axis: 1 })],
    );
    expect(exportOnnx(graph)).toEqual(exportOnnx(graph));
  });
});

describe('names', () => {
  it('of tensors are the source framework’s, of nodes the layers’', () => {
    const graph: Graph = {
      ...graphOf([1, 4], [step('top.MulConst', 'y_Mul', ['x'], { constVal: 2, doRelu: true, reluLimit: 6 })]),
      tensorNames: new Map([['y_Mul', 'y']]),
    };
    const { nodes, outputs } = nodesOf(graph);
    expect(nodes.map(({ name, opType }) => [name, opType])).toEqual([
      ['y_Mul', 'Mul'],
      ['y_Mul_1', 'Clip'],
    ]);
    expect(nodes[1]!.outputs).toEqual(['y']);
    expect([...outputs]).toEqual([['y', 1]]);
  });

  it('stay unique when tensors and values share them, and outputs are inputs or repeated', () => {
    const base = graphOf([1, 4], [step('top.Abs', 'a', ['x']), step('top.Abs', 'b', ['a'])]);
    const graph: Graph = {
      ...base,
      outputs: ['b', 'x', 'b'],
      tensorNames: new Map([
        ['a', 'x'],
        ['b', 't'],
      ]),
    };
    const { nodes, outputs } = nodesOf(graph);
    expect(new Set(nodes.flatMap(({ outputs: names }) => names)).size).toBe(nodes.length);
    expect([...outputs.keys()]).toEqual(['t', 'x_output', 't_1']);
    expect(nodes.at(-1)).toMatchObject({ opType: 'Identity', inputs: ['t'] });
  });

  it('of integer inputs stand for the integers, which are widened', () => {
    const graph: Graph = { ...graphOf([1, 4], [step('top.Abs', 'y', ['x'])]), argumentTypes: new Map([['x', 'i32']]) };
    const { nodes, inputs } = nodesOf(graph);
    expect([...inputs]).toEqual([['x', 6]]);
    expect(nodes.map(({ opType, inputs: names }) => [opType, ...names])).toEqual([
      ['Cast', 'x'],
      ['Abs', 'x_f32'],
    ]);
  });
});

describe('operators', () => {
  it('of Scale become Mul and Add shaped per channel', () => {
    const weights = { s: weight([3], [1, 2, 3]), b: weight([1, 3, 1, 1], [4, 5, 6]) };
    const { nodes, initializers } = nodesOf(graphOf([1, 3, 2, 2], [step('top.Scale', 'y', ['x', 's', 'b'])], weights));
    expect(nodes.map(({ opType }) => opType)).toEqual(['Mul', 'Add']);
    expect(initializers.get('s')!.dims).toEqual([1, 3, 1, 1]);
    expect(initializers.get('b')!.dims).toEqual([1, 3, 1, 1]);
  });

  it('of MatMul become one Gemm where that is possible', () => {
    const weights = { w: weight([2, 3], [1, 2, 3, 4, 5, 6]), b: weight([1, 2], [1, 2]) };
    const gemm = nodesOf(
      graphOf([4, 3], [step('top.MatMul', 'y', ['x', 'w', 'b'], { rightTranspose: true })], weights),
    );
    expect(gemm.nodes.map(({ opType, attributes }) => [opType, attributes.get('transB')])).toEqual([['Gemm', 1]]);
    expect(gemm.initializers.get('b')!.dims).toEqual([2]);
    expect(
      types(graphOf([5, 4, 3], [step('top.MatMul', 'y', ['x', 'w', 'b'], { rightTranspose: true })], weights)),
    ).toEqual(['Transpose', 'MatMul', 'Add']);
  });

  it('of transposed convolutions get their filters back in ONNX’s order', () => {
    // Two groups of one input and one output channel each: Top has [OC / group, IC, k] = [1, 2, 2].
    const weights = { w: weight([1, 2, 1, 2], [1, 2, 3, 4]) };
    const attributes = { kernelShape: [1, 2], strides: [1, 1], pads: [0, 0, 0, 0], group: 2 };
    const { initializers } = nodesOf(
      graphOf([1, 2, 1, 3], [step('top.Deconv', 'y', ['x', 'w', null], attributes)], weights),
    );
    expect(initializers.get('w')!.dims).toEqual([2, 1, 1, 2]);
    expect(new Float32Array(initializers.get('w')!.bytes.slice().buffer)).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('of quantization carry rank-0 parameters and integer weights', () => {
    const codes: Weight = { type: { shape: [2, 1], dtype: 'i8' }, data: Int8Array.of(-128, 127) };
    const graph = graphOf(
      [1, 2],
      [
        step('top.QuantizeLinear', 'q', ['x'], { yScale: [0.5], yZeroPoint: [-3] }),
        step('top.DequantizeLinear', 'd', ['q'], { xScale: [0.5], xZeroPoint: [-3] }),
        step('top.DequantizeLinear', 'w', ['codes'], { xScale: [1, 2], xZeroPoint: [0, 0], axis: 0 }),
        step('top.MatMul', 'y', ['d', 'w', null]),
      ],
      { codes },
    );
    const { nodes, initializers } = nodesOf(graph);
    expect(nodes.map(({ opType }) => opType)).toEqual([
      'QuantizeLinear',
      'DequantizeLinear',
      'DequantizeLinear',
      'MatMul',
    ]);
    expect(initializers.get('codes')).toMatchObject({ dataType: 3, dims: [2, 1], bytes: Uint8Array.of(128, 127) });
    const [, scale, zero] = nodes[0]!.inputs;
    expect(initializers.get(scale!)).toMatchObject({ dataType: 1, dims: [] });
    expect(initializers.get(zero!)).toMatchObject({ dataType: 3, dims: [], bytes: Uint8Array.of(253) });
    expect(initializers.get(nodes[2]!.inputs[1]!)!.dims).toEqual([2]);
    expect(nodes[2]!.attributes.get('axis')).toBe(0);
  });

  it('without ONNX form are listed all at once', () => {
    const graph = graphOf(
      [1, 4, 2, 2],
      [
        step('top.Pad', 'p', ['x'], { paddings: [0, 0, 1, 1, 0, 0, 1, 1], mode: 'symmetric' }),
        step('top.SwapDimInner', 's', ['p'], { offset: [0, 0, 1, 0] }),
      ],
    );
    try {
      exportOnnx(graph);
      expect.fail('was written');
    } catch (error) {
      expect(isQError(error) && error.issues.map(({ code, where }) => `${where}: ${code}`)).toEqual([
        'p: onnx.export-unsupported',
        's: onnx.export-unsupported',
      ]);
    }
    expect(graph.ops.map(hasOnnxForm)).toEqual([true, true, false]);
  });
});

/** Graphs that come back exactly; in others a canonical form has several ONNX spellings (a sliced Split, a folded Gather). */
const EXACT = ['mnist', 'mobilenet_v1_0.25_224', 'super_resolution_x3', 'vww_96'];
const OTHERS = [
  'FastestDet',
  'blazeface',
  'deeplab_v3_257',
  'kwt1',
  'nanodet_m_320',
  'silero_vad_16k',
  'version-slim-320',
  'yolox_nano',
];

it.each([...EXACT, ...OTHERS])('%s comes back from its export', (name) => {
  const folder = sharedFolder('models');
  if (folder === undefined) return;
  const graph = importOnnx(readFileSync(`${folder}/${name}.onnx`), { name });
  const back = importOnnx(exportOnnx(graph), { name });
  const outside = (of: Graph) =>
    of.outputs.map((output) => [of.tensorNames.get(output) ?? output, of.values.get(output)]);
  expect(outside(back)).toEqual(outside(graph));
  if (!EXACT.includes(name)) return;
  const layers = ({ ops }: Graph) => ops.map((op) => `${op.type} ${op.name}`).sort();
  expect(layers(back)).toEqual(layers(graph));
  for (const [value, type] of graph.values) expect(back.values.get(value), value).toEqual(type);
});
