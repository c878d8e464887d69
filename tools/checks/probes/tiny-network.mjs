import { attributesWithDefaults, verify } from '@q/ir';
import { same } from './expect.mjs';

/**
 * input [1,1,2,2] → 1x1 convolution (weights 2, -1; bias 0.5, 0) → Relu, as a Top graph.
 * @returns {import('@q/ir').Graph}
 */
export function tinyNetwork() {
  /** @param {readonly number[]} shape */
  const f32 = (shape) => ({ shape, dtype: /** @type {const} */ ('f32') });
  const graph = /** @type {import('@q/ir').Graph} */ ({
    name: 'tiny',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops: [
      { type: 'top.Input', name: 'x', inputs: [], outputs: ['x'], attributes: attributesWithDefaults('top.Input', {}) },
      {
        type: 'top.Conv',
        name: 'conv',
        inputs: ['x', 'filter', 'bias'],
        outputs: ['conv'],
        attributes: attributesWithDefaults('top.Conv', { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] }),
      },
      {
        type: 'top.Relu',
        name: 'relu',
        inputs: ['conv'],
        outputs: ['relu'],
        attributes: attributesWithDefaults('top.Relu', {}),
      },
    ],
    values: new Map([
      ['x', f32([1, 1, 2, 2])],
      ['conv', f32([1, 2, 2, 2])],
      ['relu', f32([1, 2, 2, 2])],
    ]),
    weights: new Map([
      ['filter', { type: f32([2, 1, 1, 1]), data: Float32Array.of(2, -1) }],
      ['bias', { type: f32([2]), data: Float32Array.of(0.5, 0) }],
    ]),
    outputs: ['relu'],
    tensorNames: new Map(),
    moduleAttributes: {},
  });
  same('issues of the tiny network', verify(graph), []);
  return graph;
}

/** A sample for it, and what the network makes of it. */
export const sample = Float32Array.of(1, -1, 0.25, 0);
export const answer = [2.5, 0, 1, 0.5, 0, 1, 0, 0];
