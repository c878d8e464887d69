import { describe, expect, test } from 'vitest';
import { importModel, node } from '../onnx/build-model.ts';

const shape = [1, 2, 3, 4];

/** Per element, as TPU-MLIR v1.17 counts: with these its sum for objects-mobilenetv3, its merged layers aside, is ours. */
describe('operations of activations', () => {
  test.each([
    ['Sigmoid', 4],
    ['HardSigmoid', 4],
    ['HardSwish', 5],
    ['Relu', 1],
  ])('%s: %i', (type, each) => {
    const graph = importModel({ inputs: { x: shape }, outputs: ['y'], nodes: [node(type, ['x'], ['y'])], opset: 14 });
    expect(graph.moduleAttributes['module.FLOPs']).toMatchObject({ value: each * 24 });
  });
});
