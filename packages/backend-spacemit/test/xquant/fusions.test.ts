import { quantizeOnnxModel } from '@q/backend-spacemit/xquant';
import type { QEvent } from '@q/ir';
import { exportOnnx, importOnnx, readOnnxModel } from '@q/ir/onnx';
import { describe, expect, test } from 'vitest';
import { cosine, GraphBuilder, noise, run } from '../graph-builder.ts';
import { configOf, noiseData, runOnnx } from './networks.ts';

const CLASSES = 3;
const POINTS = 16;

/** The end of a YOLOv8: boxes and scores in one tensor, distributions over bins, corners around centres, strides. */
function yoloHead({ bins = 16, outputs = ['y'], isSliced = false } = {}): Uint8Array {
  const b = new GraphBuilder();
  const channels = 4 * bins + CLASSES;
  const conv = b.conv('conv', b.input('x', [1, 8, 4, 4]), [channels, 8, 1, 1]);
  const flat = b.add('top.Reshape', 'flat', [conv, null], { shape: [1, channels, POINTS] });
  const slice = (name: string, from: number, to: number) => {
    const bounds = { offset: [0, from, 0], steps: [1, 1, 1], ends: [1, to, POINTS] };
    b.add('top.Slice', name, [flat, null, null, null], bounds);
  };
  if (isSliced) {
    slice('box', 0, 4 * bins);
    slice('cls', 4 * bins, channels);
  } else b.add('top.Split', 'box', [flat], { axis: 1, num: 2, splitSize: [4 * bins, CLASSES] }, ['box', 'cls']);
  const folded = b.add('top.Reshape', 'folded', ['box', null], { shape: [1, 4, bins, POINTS] });
  const turned = b.add('top.Permute', 'turned', [folded], { order: [0, 2, 1, 3] });
  const softmax = b.add('top.Softmax', 'softmax', [turned], { axis: 1 });
  const weight = b.weight('dfl', [1, bins, 1, 1], [...Array(bins).keys()]);
  const point = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] };
  const expected = b.add('top.Conv', 'expected', [softmax, weight, null], point);
  b.add('top.Reshape', 'sides', [expected, null], { shape: [1, 4, POINTS] });
  const corner = (name: string, from: number) => {
    const bounds = { offset: [0, from, 0], steps: [1, 1, 1], ends: [1, from + 2, POINTS] };
    return b.add('top.Slice', name, ['sides', null, null, null], bounds);
  };
  const centres = b.weight('centres', [1, 2, POINTS]);
  const first = b.add('top.Sub', 'first', [centres, corner('lt', 0)]);
  const second = b.add('top.Add', 'second', [centres, corner('rb', 2)]);
  const sum = b.add('top.Add', 'sum', [first, second]);
  const centre = b.add('top.Div', 'centre', [sum, b.weight('two', [1], [2])]);
  const cells = b.add('top.Concat', 'cells', [centre, b.add('top.Sub', 'size', [second, first])], { axis: 1 });
  const strides = b.weight(
    'strides',
    [1, POINTS],
    [...Array(POINTS).keys()].map((i) => (i < 12 ? 8 : 16)),
  );
  const boxes = b.add('top.Mul', 'boxes', [cells, strides]);
  b.add('top.Concat', 'y', [boxes, b.add('top.Sigmoid', 'scores', ['cls'])], { axis: 1 });
  return exportOnnx(b.build(outputs, 'head'));
}

/** Windows of 4 by 4 out of an 8 by 8 image, a product, and the image again. */
function windows(layout: readonly number[]): Uint8Array {
  const b = new GraphBuilder();
  const order = [0, 1, 3, 2, 4, 5];
  const six = b.add('top.Reshape', 'six', [b.input('x', [1, 8, 8, 6]), null], { shape: [1, 2, 4, 2, 4, 6] });
  const cut = b.add('top.Reshape', 'cut', [b.add('top.Permute', 'turn', [six], { order }), null], {
    shape: [...layout],
  });
  const product = b.add('top.MatMul', 'product', [cut, b.weight('w', [6, 6]), null]);
  const back = b.add('top.Reshape', 'back', [product, null], { shape: [1, 2, 2, 4, 4, 6] });
  b.add('top.Reshape', 'y', [b.add('top.Permute', 'return', [back], { order }), null], { shape: [1, 64, 6] });
  return exportOnnx(b.build(['y'], 'windows'));
}

/** Attention whose queries, keys and values come out of one product. */
function attention(form: 'gather' | 'split' | 'unbind'): Uint8Array {
  const b = new GraphBuilder();
  const product = b.add('top.MatMul', 'product', [b.input('x', [1, 6, 8]), b.weight('w', [8, 24]), null]);
  const sum = b.add('top.Add', 'sum', [product, b.weight('b', [24])]);
  if (form === 'gather') {
    b.add('top.Reshape', 'r', [sum, null], { shape: [1, 6, 8, 3] });
    for (const [i, name] of ['q', 'k', 'v'].entries())
      b.add('top.Gather', name, ['r', b.weight(`index${i}`, [1], [i])], { axis: 3, keepdims: false });
  } else {
    const folded = b.add('top.Reshape', 'r', [sum, null], { shape: [1, 6, 3, 2, 4] });
    const turned = b.add('top.Permute', 't', [folded], { order: [2, 0, 3, 1, 4] });
    const parts = ['q0', 'k0', 'v0'];
    if (form === 'split') b.add('top.Split', 'q0', [turned], { axis: 0, num: 3, splitSize: [1, 1, 1] }, parts);
    for (const [i, part] of parts.entries()) {
      const index = b.weight(`index${i}`, [1], [i]);
      if (form === 'split') b.add('top.Squeeze', part[0]!, [part], { axes: [0] });
      else b.add('top.Gather', part[0]!, [turned, index], { axis: 0, keepdims: false });
    }
  }
  const order = form === 'gather' ? [0, 2, 1] : [0, 1, 3, 2];
  const scores = b.add('top.MatMul', 's', ['q', b.add('top.Permute', 'kt', ['k'], { order }), null]);
  b.add('top.MatMul', 'y', [b.add('top.Softmax', 'p', [scores], { axis: order.length - 1 }), 'v', null]);
  return exportOnnx(b.build(['y'], 'attention'));
}

async function convert(onnx: Uint8Array, fusions: readonly string[], quantization: object = {}) {
  const { shape } = importOnnx(onnx, { name: 'net' }).values.get('x')!;
  const count = shape.reduce((product, dim) => product * dim, 1);
  const levels = { precision_level: 100, finetune_level: 0, ...quantization };
  const warnings: string[] = [];
  const emit = (event: QEvent) => {
    if (event.type === 'warning') warnings.push(`${event.code}: ${event.message}`);
  };
  const config = configOf({ calibration_type: 'minmax' }, levels, { q_parameters: { fusions } });
  const result = await quantizeOnnxModel(config, onnx, { data: noiseData('x', count, 10), emit });
  const { graph, functions, opsetImport } = readOnnxModel(result.model);
  const x = noise(count, 77);
  const y = (await runOnnx(result.model, new Map([['x', { data: x, dims: shape }]]))).get('y')!;
  return { ...result, nodes: graph!.node!, functions: functions ?? [], opsetImport: opsetImport!, warnings, x, y };
}

const typesOf = ({ nodes }: { nodes: readonly { opType?: string }[] }) => nodes.map(({ opType }) => opType);
const worst = (a: Float32Array, b: Float32Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0);

describe('yolo_decode', () => {
  test('the head becomes one call of an embedded function, with the same values', async () => {
    const [plain, fused] = [await convert(yoloHead(), []), await convert(yoloHead(), ['yolo_decode'])];
    expect(typesOf(fused)).toEqual(['Conv', 'Reshape', 'YoloDecode']);
    const call = fused.nodes.at(-1)!;
    expect(call).toMatchObject({ name: 'yolo_decode_y', domain: 'spacemit_functions', output: ['y'] });
    expect(call.input).toHaveLength(5);
    expect(call.attribute!.map(({ name, i }) => [name, Number(i)])).toEqual([
      ['num_class', CLASSES],
      ['reg_max', 16],
    ]);
    expect(fused.functions.map(({ domain, name, attribute }) => [domain, name, attribute])).toEqual([
      ['spacemit_functions', 'YoloDecode', ['num_class', 'reg_max']],
    ]);
    expect(fused.opsetImport.map(({ domain }) => domain)).toEqual(['', 'spacemit_functions']);
    expect(worst(fused.y, plain.y)).toBeLessThan(1e-5);
    expect(plain.functions).toEqual([]);
  });

  test('scores and boxes may be slices', async () => {
    const onnx = yoloHead({ isSliced: true });
    const [plain, fused] = [await convert(onnx, []), await convert(onnx, ['yolo_decode'])];
    expect(typesOf(plain).filter((type) => type === 'Slice')).toHaveLength(4);
    expect(typesOf(fused)).toEqual(['Conv', 'Reshape', 'YoloDecode']);
    expect(worst(fused.y, plain.y)).toBeLessThan(1e-5);
  });

  test('INT8 ends in front of it: the file equals one whose head was cut off, and our simulation', async () => {
    const level = { precision_level: 0 };
    const fused = await convert(yoloHead(), ['yolo_decode'], level);
    const cut = await convert(yoloHead(), [], { ...level, truncate_var_names: ['flat'] });
    const front = typesOf(fused).slice(0, -1);
    expect(typesOf(fused).at(-1)).toBe('YoloDecode');
    expect(front.filter((type) => type === 'DequantizeLinear')).toHaveLength(3);
    expect(typesOf(cut).slice(0, front.length)).toEqual(front);
    expect(typesOf(cut).slice(front.length)).not.toContain('QuantizeLinear');
    expect(worst(fused.y, cut.y)).toBeLessThan(1e-4);
    const [ours] = (await run(fused.graph!, new Map([['x', fused.x]]))).values();
    expect(cosine(ours!, fused.y)).toBeGreaterThan(0.99999);
    expect(fused.summary.floatOps.fusions).toHaveLength(17);
  });

  test.each([3, 4])('level %i keeps the call', async (precision_level) => {
    const [float, fused] = [
      await convert(yoloHead(), []),
      await convert(yoloHead(), ['yolo_decode'], { precision_level }),
    ];
    expect(typesOf(fused)).toContain('YoloDecode');
    expect(cosine(float.y, fused.y)).toBeGreaterThan(0.9999);
  });

  test('opset 13 is enough, and the function is read back', async () => {
    const { model, nodes, x, y } = await convert(yoloHead(), ['yolo_decode']);
    expect(Number(readOnnxModel(model).opsetImport![0]!.version)).toBeLessThan(15);
    expect(nodes.at(-1)!.opType).toBe('YoloDecode');
    const [ours] = (await run(importOnnx(model, { name: 'net' }), new Map([['x', x]]))).values();
    expect(worst(ours!, y)).toBeLessThan(1e-3);
  });

  test.each([
    ['8 bins', { bins: 8 }],
    ['a value inside that is an output', { outputs: ['y', 'sides'] }],
  ])('not with %s: a warning', async (_, head) => {
    const { nodes, warnings } = await convert(yoloHead(head), ['yolo_decode']);
    expect(typesOf({ nodes })).not.toContain('YoloDecode');
    expect(warnings).toContain('xquant.fusions.unmatched: yolo_decode matches nothing in the network');
  });
});

describe('window', () => {
  test.each([[[64, 6]], [[4, 16, 6]], [[4, 4, 4, 6]]])('partition to %j and reverse', async (layout) => {
    const [plain, fused] = [await convert(windows(layout), []), await convert(windows(layout), ['window'])];
    expect(typesOf(plain)).not.toContain('WindowPartition');
    expect(typesOf(fused)).toEqual(['WindowPartition', 'MatMul', 'WindowReverse']);
    const { name, input, attribute } = fused.nodes[0]!;
    expect([name, input!.length]).toEqual(['WindowPartition_six', 3]);
    expect(attribute!.map(({ name, i, ints }) => [name, Number(i), (ints ?? []).map(Number)])).toEqual([
      ['window_size', 4, []],
      ['perm', 0, [0, 1, 3, 2, 4, 5]],
    ]);
    expect(fused.functions.map(({ name }) => name)).toEqual(['WindowPartition', 'WindowReverse']);
    expect(fused.y).toEqual(plain.y);
  });

  test('INT8 does not pass through', async () => {
    const fused = await convert(windows([64, 6]), ['window'], { precision_level: 0 });
    expect(typesOf(fused).filter((type) => type !== 'QuantizeLinear' && type !== 'DequantizeLinear')).toEqual([
      'WindowPartition',
      'MatMul',
      'WindowReverse',
    ]);
    const [ours] = (await run(fused.graph!, new Map([['x', fused.x]]))).values();
    expect(worst(ours!, fused.y)).toBeLessThan(1e-4);
  });
});

describe('qkv', () => {
  test.each([
    ['gather', ['MatMul', 'Add']],
    ['split', ['MatMul', 'Add', 'Reshape', 'Transpose']],
    ['unbind', ['MatMul', 'Add', 'Reshape', 'Transpose']],
  ] as const)('%s: a branch each for queries, keys and values', async (form, branch) => {
    const [plain, fused] = [await convert(attention(form), []), await convert(attention(form), ['qkv'])];
    expect(typesOf(fused)).toEqual([...branch, ...branch, ...branch, 'Transpose', 'MatMul', 'Softmax', 'MatMul']);
    expect(worst(fused.y, plain.y)).toBeLessThan(1e-6);
    const int8 = await convert(attention(form), ['qkv'], { precision_level: 0 });
    const [ours] = (await run(int8.graph!, new Map([['x', int8.x]]))).values();
    expect(cosine(ours!, int8.y)).toBeGreaterThan(0.9999);
    expect(cosine(plain.y, int8.y)).toBeGreaterThan(0.99);
  });
});

test('nothing to fuse: one warning per pattern, and the same file', async () => {
  const [plain, asked] = [
    await convert(attention('split'), []),
    await convert(attention('split'), ['window', 'yolo_decode', 'window']),
  ];
  expect(asked.model).toEqual(plain.model);
  expect(asked.warnings.filter((text) => text.startsWith('xquant.fusions'))).toEqual([
    'xquant.fusions.unmatched: window matches nothing in the network',
    'xquant.fusions.unmatched: yolo_decode matches nothing in the network',
  ]);
});
