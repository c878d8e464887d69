import { importCaffe } from '@q/ir/caffe';
import { describe, expect, it } from 'vitest';
import { createSession } from '../src/index.ts';
import { type Blob, caffemodel } from './caffe-file.ts';

interface Case {
  readonly input: Blob;
  /** What stands in the layer's braces besides name, bottom and top. */
  readonly layer: string;
  readonly blobs?: readonly Blob[];
  readonly expected: Blob;
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

/** Every expected number below follows from Caffe's definition of the layer, by hand. */
const cases: Readonly<Record<string, Case>> = {
  'Convolution with groups and bias': {
    input: { shape: [1, 2, 1, 2], data: [1, 2, 3, 4] },
    layer: 'type: "Convolution" convolution_param { num_output: 2 kernel_size: 1 group: 2 }',
    blobs: [
      { shape: [2, 1, 1, 1], data: [10, 100] },
      { shape: [2], data: [1, 2] },
    ],
    expected: { shape: [1, 2, 1, 2], data: [11, 21, 302, 402] },
  },
  'Convolution with dilation, height and width apart': {
    input: { shape: [1, 1, 1, 5], data: [1, 2, 3, 4, 5] },
    layer:
      'type: "Convolution" convolution_param { num_output: 1 kernel_h: 1 kernel_w: 2 dilation: 2 bias_term: false }',
    blobs: [{ shape: [1, 1, 1, 2], data: [1, 10] }],
    // x[i] + 10 x[i + 2]
    expected: { shape: [1, 1, 1, 3], data: [31, 42, 53] },
  },
  DepthwiseConvolution: {
    input: { shape: [1, 2, 1, 2], data: [1, 2, 3, 4] },
    layer: 'type: "DepthwiseConvolution" convolution_param { num_output: 2 kernel_size: 1 bias_term: false }',
    blobs: [{ shape: [2, 1, 1, 1], data: [2, 3] }],
    expected: { shape: [1, 2, 1, 2], data: [2, 4, 9, 12] },
  },
  Deconvolution: {
    input: { shape: [1, 2, 1, 2], data: [1, 2, 10, 20] },
    layer:
      'type: "Deconvolution" convolution_param { num_output: 1 kernel_h: 1 kernel_w: 2 stride_h: 1 stride_w: 2 bias_term: false }',
    blobs: [{ shape: [2, 1, 1, 2], data: [1, 2, 3, 4] }],
    // Each input pixel writes (1, 2) and (3, 4) times itself to its own two outputs.
    expected: { shape: [1, 1, 1, 4], data: [1 + 30, 2 + 40, 2 + 60, 4 + 80] },
  },
  'BatchNorm: sums divided by the factor': {
    input: { shape: [1, 2, 1, 2], data: [3, 5, 7, 9] },
    layer: 'type: "BatchNorm" batch_norm_param { eps: 0.0 }',
    blobs: [
      { shape: [2], data: [2, 6] },
      { shape: [2], data: [8, 32] },
      { shape: [1], data: [2] },
    ],
    // mean 1 and 3, variance 4 and 16
    expected: { shape: [1, 2, 1, 2], data: [1, 2, 1, 1.5] },
  },
  'Scale with bias': {
    input: { shape: [1, 2, 1, 2], data: [1, 2, 3, 4] },
    layer: 'type: "Scale" scale_param { bias_term: true }',
    blobs: [
      { shape: [2], data: [2, 3] },
      { shape: [2], data: [1, -1] },
    ],
    expected: { shape: [1, 2, 1, 2], data: [3, 5, 8, 11] },
  },
  'ReLU with a slope': {
    input: { shape: [1, 4], data: [-4, -1, 0, 2] },
    layer: 'type: "ReLU" relu_param { negative_slope: 0.25 }',
    expected: { shape: [1, 4], data: [-1, -0.25, 0, 2] },
  },
  ReLU6: {
    input: { shape: [1, 4], data: [-4, 3, 6, 9] },
    layer: 'type: "ReLU6"',
    expected: { shape: [1, 4], data: [0, 3, 6, 6] },
  },
  PReLU: {
    input: { shape: [1, 2, 1, 2], data: [-1, 1, -2, 2] },
    layer: 'type: "PReLU"',
    blobs: [{ shape: [2], data: [0.5, 0.25] }],
    expected: { shape: [1, 2, 1, 2], data: [-0.5, 1, -0.5, 2] },
  },
  'Pooling rounds up': {
    input: { shape: [1, 1, 1, 6], data: [1, 9, 2, 3, 4, 5] },
    layer: 'type: "Pooling" pooling_param { pool: MAX kernel_h: 1 kernel_w: 3 stride_h: 1 stride_w: 2 }',
    // ceil((6 − 3) / 2) + 1 = 3 windows; the last one holds 4 5 only.
    expected: { shape: [1, 1, 1, 3], data: [9, 4, 5] },
  },
  'Pooling, averages with padding': {
    input: { shape: [1, 1, 3, 3], data: range(1, 9) },
    layer: 'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }',
    // Four corners of 2×2 values, divided by 9.
    expected: { shape: [1, 1, 2, 2], data: [12 / 9, 16 / 9, 24 / 9, 28 / 9] },
  },
  'Pooling, global': {
    input: { shape: [1, 2, 2, 2], data: range(1, 8) },
    layer: 'type: "Pooling" pooling_param { pool: AVE global_pooling: true }',
    expected: { shape: [1, 2, 1, 1], data: [2.5, 6.5] },
  },
  InnerProduct: {
    input: { shape: [1, 2, 1, 2], data: [1, 2, 3, 4] },
    layer: 'type: "InnerProduct" inner_product_param { num_output: 2 }',
    blobs: [
      { shape: [2, 4], data: [1, 1, 1, 1, 1, 10, 100, 1000] },
      { shape: [2], data: [0.5, -0.5] },
    ],
    expected: { shape: [1, 2], data: [10.5, 4320.5] },
  },
  'InnerProduct, transposed': {
    input: { shape: [1, 2], data: [1, 10] },
    layer: 'type: "InnerProduct" inner_product_param { num_output: 2 transpose: true bias_term: false }',
    blobs: [{ shape: [2, 2], data: [1, 2, 3, 4] }],
    expected: { shape: [1, 2], data: [31, 42] },
  },
  'Eltwise with coefficients': {
    input: { shape: [1, 2], data: [1, 2] },
    layer: 'type: "Eltwise" bottom: "x" eltwise_param { operation: SUM coeff: 1 coeff: -3 }',
    expected: { shape: [1, 2], data: [-2, -4] },
  },
  'Eltwise product': {
    input: { shape: [1, 2], data: [3, 4] },
    layer: 'type: "Eltwise" bottom: "x" eltwise_param { operation: PROD }',
    expected: { shape: [1, 2], data: [9, 16] },
  },
  LRN: {
    input: { shape: [1, 3, 1, 1], data: [1, 2, 3] },
    layer: 'type: "LRN" lrn_param { local_size: 3 alpha: 3 beta: 1 k: 1 }',
    // x / (1 + Σ of the neighbours' squares)
    expected: { shape: [1, 3, 1, 1], data: [1 / 6, 2 / 15, 3 / 14] },
  },
  Softmax: {
    input: { shape: [1, 2, 1, 1], data: [0, Math.log(3)] },
    layer: 'type: "Softmax"',
    expected: { shape: [1, 2, 1, 1], data: [0.25, 0.75] },
  },
  Permute: {
    input: { shape: [1, 2, 1, 3], data: range(1, 6) },
    layer: 'type: "Permute" permute_param { order: 0 order: 2 order: 3 order: 1 }',
    expected: { shape: [1, 1, 3, 2], data: [1, 4, 2, 5, 3, 6] },
  },
  Flatten: {
    input: { shape: [2, 2, 1, 2], data: range(1, 8) },
    layer: 'type: "Flatten"',
    expected: { shape: [2, 4], data: range(1, 8) },
  },
  'Reshape with copied and inferred dimensions': {
    input: { shape: [1, 4, 2, 3], data: range(1, 24) },
    layer: 'type: "Reshape" reshape_param { shape { dim: 0 dim: -1 dim: 6 } }',
    expected: { shape: [1, 4, 6], data: range(1, 24) },
  },
  'Normalize over channels': {
    input: { shape: [1, 2, 1, 2], data: [3, 0, 4, 2] },
    layer: 'type: "Normalize" norm_param { across_spatial: false channel_shared: false }',
    blobs: [{ shape: [2], data: [10, 20] }],
    expected: { shape: [1, 2, 1, 2], data: [6, 0, 16, 20] },
  },
  ShuffleChannel: {
    input: { shape: [1, 4, 1, 1], data: [1, 2, 3, 4] },
    layer: 'type: "ShuffleChannel" shuffle_channel_param { group: 2 }',
    expected: { shape: [1, 4, 1, 1], data: [1, 3, 2, 4] },
  },
};

function header({ shape }: Blob): string {
  return `input: "x" input_shape { ${shape.map((dim) => `dim: ${dim}`).join(' ')} }`;
}

async function execute(prototxt: string, blobs: Record<string, readonly Blob[]>, input: Blob) {
  const { graph } = importCaffe(prototxt, { name: 'net', weights: caffemodel(blobs) });
  const session = await createSession(graph);
  const outputs = session.run(new Map([['x', Float32Array.from(input.data)]]));
  session.dispose();
  return graph.outputs.map((name) => ({
    shape: [...graph.values.get(name)!.shape],
    data: [...(outputs.get(name)! as Float32Array)],
  }));
}

function expectBlob(found: { shape: number[]; data: number[] } | undefined, expected: Blob): void {
  expect(found?.shape).toEqual(expected.shape);
  expected.data.forEach((value, index) => {
    expect(found!.data[index], `element ${index}`).toBeCloseTo(value, 4);
  });
}

describe('layers of Caffe networks', () => {
  it.each(Object.entries(cases))('%s', async (_, { input, layer, blobs = [], expected }) => {
    const source = `${header(input)} layer { name: "l" bottom: "x" top: "y" ${layer} }`;
    const outputs = await execute(source, { l: blobs, other: [{ shape: [1], data: [0] }] }, input);
    expectBlob(outputs[0], expected);
  });

  it('Slice makes one output per top', async () => {
    const input = { shape: [1, 3, 1, 2], data: range(1, 6) };
    const source = `${header(input)}
      layer { name: "s" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_point: 1 } }`;
    const [a, b] = await execute(source, { none: [{ shape: [1], data: [0] }] }, input);
    expectBlob(a, { shape: [1, 1, 1, 2], data: [1, 2] });
    expectBlob(b, { shape: [1, 2, 1, 2], data: [3, 4, 5, 6] });
  });

  it('prior boxes of several maps are joined as constants', async () => {
    const input = { shape: [1, 1, 2, 2], data: [1, 2, 3, 4] };
    const box = (name: string, size: number) => `layer {
      name: "${name}" type: "PriorBox" bottom: "x" bottom: "x" top: "${name}"
      prior_box_param { min_size: ${size} aspect_ratio: 4 flip: false offset: 0.5 img_size: 20 clip: true
        variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }`;
    const source = `${header(input)} ${box('p1', 10)} ${box('p2', 4)}
      layer { name: "prior" type: "Concat" bottom: "p1" bottom: "p2" top: "prior" concat_param { axis: 2 } }
      layer { name: "flat" type: "Flatten" bottom: "x" top: "flat" }
      layer { name: "cut" type: "Slice" bottom: "prior" top: "first" top: "rest" slice_param { axis: 2 slice_point: 4 } }
      layer { name: "f" type: "Flatten" bottom: "first" top: "f" }
      layer { name: "flat2" type: "Reshape" bottom: "f" top: "flat2" reshape_param { shape { dim: 2 dim: 4 } } }
      layer { name: "both" type: "Concat" bottom: "flat" bottom: "flat2" top: "both" concat_param { axis: 0 } }`;
    const { graph } = importCaffe(source, { name: 'net', outputNames: ['both', 'rest'] });
    // 4 points × 2 boxes × 4 numbers per map, two maps, corners and variances.
    // Two slices read it: every use has a weight of its own.
    const prior = graph.weights.get('prior_folder_0');
    expect(prior?.type.shape).toEqual([1, 2, 64]);
    const numbers = [...(prior!.data as Float32Array)].map((value) => Math.round(value * 1000) / 1000);
    // First point (5, 5) of 20: the square of 10, then 20 wide and 5 high, clipped on the left.
    expect(numbers.slice(0, 8)).toEqual([0, 0, 0.5, 0.5, 0, 0.125, 0.75, 0.375]);
    // The second map begins after the 32 numbers of the first.
    expect(numbers.slice(32, 36)).toEqual([0.15, 0.15, 0.35, 0.35]);
    expect(numbers.slice(64, 72)).toEqual([0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2]);
    const session = await createSession(graph);
    const outputs = session.run(new Map([['x', Float32Array.from(input.data)]]));
    expect([...(outputs.get('both') as Float32Array)].slice(0, 8)).toEqual([1, 2, 3, 4, 0, 0, 0.5, 0.5]);
    session.dispose();
  });

  const detector = (settings: string) => `
    input: "x" input_shape { dim: 1 dim: 18 } input: "map" input_shape { dim: 1 dim: 1 dim: 1 dim: 1 }
    layer { name: "s" type: "Slice" bottom: "x" top: "loc" top: "conf" slice_param { axis: 1 slice_point: 12 } }
    layer { name: "prior" type: "PriorBox" bottom: "map" bottom: "map" top: "prior"
      prior_box_param { min_size: 10 aspect_ratio: 4 img_size: 20 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 } }
    layer { name: "detection" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "detection_out"
      detection_output_param { num_classes: 2 share_location: true background_label_id: 0 ${settings}
        nms_param { nms_threshold: 0.3 top_k: 10 } } }`;

  // Priors: the square of 10 in 20, then 20 wide and 5 high, then the other way round, all around the middle.
  const offsets = [...[0, 0, 0, 0], ...[0, 0, 0, 0], ...[1, 0, 0, 0]];
  const scores = [...[0.2, 0.8], ...[0.1, 0.9], ...[0.3, 0.7]];

  async function detect(settings: string): Promise<number[][]> {
    const { graph } = importCaffe(detector(settings), { name: 'ssd' });
    expect(graph.ops.at(-1)).toMatchObject({ type: 'top.DetectionOutput', name: 'detection_out' });
    const session = await createSession(graph);
    const feeds = new Map([
      ['x', Float32Array.of(...offsets, ...scores)],
      ['map', Float32Array.of(0)],
    ]);
    const rows = [...session.run(feeds).get('detection_out')!].map((value) => Math.round(value * 1000) / 1000);
    session.dispose();
    return Array.from({ length: rows.length / 7 }, (_, row) => rows.slice(7 * row, 7 * row + 7));
  }

  it('DetectionOutput decodes boxes, drops those that overlap a better one, and fills up with zeros', async () => {
    // The square shares a third with the wide box, which is better; the high box shares 1/7 and is moved by 0.1 · 1/4.
    expect(await detect('keep_top_k: 3 code_type: CENTER_SIZE confidence_threshold: 0.5')).toEqual([
      [0, 1, 0.9, 0, 0.375, 1, 0.625],
      [0, 1, 0.7, 0.4, 0, 0.65, 1],
      [0, 0, 0, 0, 0, 0, 0],
    ]);
    // Against the corners, only the left one is moved, by 0.1.
    expect(await detect('keep_top_k: 2 code_type: CORNER confidence_threshold: 0.5')).toEqual([
      [0, 1, 0.9, 0, 0.375, 1, 0.625],
      [0, 1, 0.7, 0.475, 0, 0.625, 1],
    ]);
    expect(await detect('keep_top_k: 1 code_type: CORNER_SIZE confidence_threshold: 0.85')).toEqual([
      [0, 1, 0.9, 0, 0.375, 1, 0.625],
    ]);
  });

  it('DetectionOutput of no fixed number of boxes is refused', () => {
    expect(() => importCaffe(detector('code_type: CORNER'), { name: 'ssd' })).toThrow(/keep_top_k/);
  });
});
