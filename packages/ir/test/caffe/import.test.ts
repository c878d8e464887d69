import { describe, expect, it } from 'vitest';
import { pooledLength } from '../../src/caffe/convert/pooling.ts';
import { importCaffe } from '../../src/caffe/index.ts';
import { type Graph, type Issue, isQError, type QEvent, verify } from '../../src/index.ts';
import { branchedNet, branchedWeights, caffemodel, smallNet, smallWeights } from './build-caffe.ts';

const weights = caffemodel(smallWeights);

function layers(graph: Graph): string[] {
  return graph.ops.map(({ type, name }) => `${type} ${name}`);
}

function issuesOf(run: () => unknown): readonly Issue[] {
  try {
    run();
  } catch (error) {
    if (isQError(error)) return error.issues;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('importCaffe', () => {
  it('names layers after their tops; in place, the last producer keeps the name', () => {
    const { graph } = importCaffe(smallNet, { name: 'small', weights });
    expect(verify(graph)).toEqual([]);
    // BatchNorm and Scale are one Scale, the Relu is fused into it, the Dropout is gone (ir.md 7.3, 9).
    expect(layers(graph)).toEqual([
      'top.Input data',
      'top.Conv conv1/3',
      'top.Scale conv1',
      'top.MaxPool pool1',
      'top.Reshape pool1_reshape',
      'top.MatMul fc',
      'top.Softmax prob',
    ]);
    expect([...graph.weights.keys()]).toEqual(expect.arrayContaining(['conv1_weight_0', 'fc_filter', 'fc_weight_1']));
    expect(graph.values.get('pool1')?.shape).toEqual([1, 4, 4, 4]);
    expect(graph.outputs).toEqual(['prob']);
    expect(graph.platform).toBe('CAFFE');
    expect(graph.tensorNames.get('conv1/3')).toBe('conv1');
  });

  it('gives layers the names and the order of model_transform 1.30', () => {
    const { graph } = importCaffe(branchedNet, { name: 'branched', weights: caffemodel(branchedWeights) });
    expect(verify(graph)).toEqual([]);
    // What TPU-MLIR 1.30 wrote for exactly these two files.
    expect(layers(graph).map((layer) => layer.replace('top.', ''))).toEqual(
      (
        'Input data, Conv conv1/3, Scale conv1, LRN norm1, MaxPool pool1, Conv a, Conv b/1, PRelu b, Add sum, Mul l2_square, ' +
        'Conv l2_conv, Sqrt l2_sqrt, Reciprocal l2_reciprocal, Mul l2_mul, Scale l2_scale, Concat cat, LeakyRelu slope, ' +
        'AvgPool gap, Reshape gap_reshape, MatMul fc1, MatMul fc2, Softmax prob, Permute perm, Reshape flat'
      ).split(', '),
    );
    expect(graph.outputs).toEqual(['flat', 'l2_scale', 'prob']);
  });

  it('keeps weights as views on the caffemodel', () => {
    // Fields are not aligned in a protobuf: a blob is a view when it happens to lie on a multiple of 4.
    const aligned = [0, 1, 2, 3].map((shift) => {
      const moved = new Uint8Array(weights.length + shift).subarray(shift);
      moved.set(weights);
      const { graph: shifted } = importCaffe(smallNet, { name: 'small', weights: moved });
      return shifted.weights.get('conv1_weight_0')!.data.buffer === moved.buffer;
    });
    expect(aligned.filter(Boolean)).toHaveLength(1);
  });

  it('reads files from before 2014', () => {
    const old = smallNet
      .replaceAll('layer {', 'layers {')
      .replace('input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }', 'input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8')
      .replace('"Convolution"', 'CONVOLUTION')
      .replace('"ReLU"', 'RELU')
      .replace('"Pooling"', 'POOLING')
      .replace('"InnerProduct"', 'INNER_PRODUCT');
    const { graph } = importCaffe(old, { name: 'small', weights: caffemodel(smallWeights, { legacy: true }) });
    expect(layers(graph)).toEqual(layers(importCaffe(smallNet, { name: 'small', weights }).graph));
  });

  it('takes the layer settings of the BM1684 tools out of the layers', () => {
    const { layerSettings } = importCaffe(
      smallNet.replace('name: "fc"', 'name: "fc" threshold: 12.5 forward_with_float: true th_strategy: USE_KL'),
      { name: 'small', weights },
    );
    expect([...layerSettings]).toEqual([
      ['conv1', { strategy: 'max', scale: 0.95, float: false }],
      ['fc', { strategy: 'kl', scale: 1, threshold: 12.5, float: true }],
    ]);
  });

  it('lists every layer type without converter, and cuts in front of one', () => {
    const more = `${smallNet}
      layer { name: "odd" type: "Oddity" bottom: "prob" top: "odd" }
      layer { name: "detections" type: "Detector" bottom: "odd" bottom: "fc" top: "detections" }`;
    expect(issuesOf(() => importCaffe(more, { name: 'n', weights }))).toEqual([
      expect.objectContaining({ code: 'caffe.unsupported-layer', found: 'Oddity', where: 'odd' }),
      expect.objectContaining({ code: 'caffe.unsupported-layer', found: 'Detector', where: 'detections' }),
    ]);
    expect(importCaffe(more, { name: 'n', weights, outputNames: ['fc'] }).graph.outputs).toEqual(['fc']);
  });

  it('names every layer whose weights are missing or of another size', () => {
    const { conv1: _conv1, ...rest } = smallWeights;
    const bad = caffemodel({ ...rest, fc: [{ shape: [2, 63] }, { shape: [2] }] });
    const found = issuesOf(() => importCaffe(smallNet, { name: 'n', weights: bad }));
    expect(found.map(({ code, where }) => [code, where])).toEqual([['caffe.missing-weights', 'conv1']]);
    const shifted = caffemodel({ ...smallWeights, fc: [{ shape: [2, 63] }, { shape: [2] }] });
    expect(issuesOf(() => importCaffe(smallNet, { name: 'n', weights: shifted }))[0]).toMatchObject({
      code: 'caffe.blob',
      where: 'fc',
      found: 'blob 0 of shape [2, 63]',
    });
  });

  it('counts a network without its caffemodel', () => {
    const { graph } = importCaffe(smallNet, { name: 'n' });
    expect(graph.weights.get('fc_filter')?.type.shape).toEqual([64, 2]);
  });

  it('follows the TEST phase and leaves training layers out', () => {
    const events: QEvent[] = [];
    const training = `
      layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } }
      layer { name: "d" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 } } include { phase: TEST } }
      layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 3 bias_term: false } }
      layer { name: "aux" type: "Convolution" bottom: "fc" top: "aux" exclude { phase: TEST } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }`;
    const { graph } = importCaffe(training, {
      name: 'n',
      weights: caffemodel({ fc: [{ shape: [3, 4] }] }),
      emit: (event) => events.push(event),
    });
    expect(graph.outputs).toEqual(['fc']);
    expect(events).toEqual([expect.objectContaining({ code: 'caffe.training-layer', where: 'loss' })]);
  });

  it('refuses parameters that would change the result, all at once', () => {
    const source = `input: "x" input_shape { dim: 1 dim: 4 dim: 6 dim: 6 }
      layer { name: "p" type: "Pooling" bottom: "x" top: "p" pooling_param { pool: STOCHASTIC kernel_size: 2 } }
      layer { name: "l" type: "LRN" bottom: "x" top: "l" lrn_param { norm_region: WITHIN_CHANNEL } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c" convolution_param { num_output: 6 group: 4 kernel_size: 1 } }
      layer { name: "n" type: "Convolution" bottom: "nowhere" top: "n" convolution_param { num_output: 6 kernel_size: 1 } }`;
    const found = issuesOf(() => importCaffe(source, { name: 'n' }));
    expect(found.map(({ code, where }) => `${code} ${where}`)).toEqual([
      'caffe.unsupported-parameter p',
      'caffe.unsupported-parameter l',
      'caffe.unsupported-parameter c',
      'caffe.unknown-blob n',
    ]);
  });

  it.each([
    ['', 'caffe.no-layers'],
    ['layers { layer { name: "x" } }', 'caffe.legacy'],
    ['input: "x" layer { name: "r" type: "ReLU" bottom: "x" top: "r" }', 'caffe.input-shape'],
    [
      'input: "x" input_shape { dim: 1 dim: 0 } layer { name: "r" type: "ReLU" bottom: "x" top: "r" }',
      'caffe.input-shape',
    ],
    [
      'input: "x" input_shape { dim: 1 dim: 9 } layer { name: "f" type: "InnerProduct" bottom: "x" top: "f" inner_product_param { num_output: 4000000000 } }',
      'caffe.too-large',
    ],
  ])('refuses %j', (source, code) => {
    expect(issuesOf(() => importCaffe(source, { name: 'n' }))[0]?.code).toBe(code);
  });

  it('refuses a caffemodel that is none', () => {
    const of = (bytes: Uint8Array) => issuesOf(() => importCaffe(smallNet, { name: 'n', weights: bytes }))[0]?.code;
    expect(of(new TextEncoder().encode('not a model'))).toBe('caffe.corrupt');
    expect(of(weights.subarray(0, weights.length >> 1))).toMatch(/^caffe\.(corrupt|blob)$/);
  });
});

describe('pooledLength', () => {
  it('rounds up, but no window starts behind the leading padding', () => {
    // Caffe: net.cpp's pooling_layer reshape, by hand: 112 → 56 for kernel 3, stride 2 without padding.
    expect(pooledLength(112, 3, 2, 0, true)).toBe(56);
    expect(pooledLength(112, 3, 2, 0, false)).toBe(55);
    // ceil((7 + 2 − 2) / 2) + 1 = 5, but window 4 starts at 8 = 7 + 1.
    expect(pooledLength(7, 2, 2, 1, true)).toBe(4);
  });
});
