import { floatAttribute, intAttribute, type OnnxNode } from '../onnx-graph.ts';
import type { Conversion, Converter } from './conversion.ts';

/** A weight, or `null` when all its elements are `neutral` (ir.md 8.5: all-ones γ, all-zeros β). */
function unlessNeutral(to: Conversion, tensor: string | undefined, neutral: number): string | null {
  return to.scalar(tensor) === neutral ? null : to.operand(tensor);
}

const affine = (node: OnnxNode, to: Conversion) => [
  to.operand(node.inputs[0]),
  unlessNeutral(to, node.inputs[1], 1),
  unlessNeutral(to, node.inputs[2], 0),
];

export const normalizationConverters: Readonly<Record<string, Converter>> = {
  BatchNormalization(node, to) {
    const [input, gamma, beta, mean, variance] = node.inputs;
    to.finish(node, 'top.BatchNorm', {
      inputs: [input, mean, variance, gamma, beta].map((tensor) => to.operand(tensor)),
      attributes: { epsilon: floatAttribute(node, 'epsilon', 1e-5) },
    });
  },
  InstanceNormalization(node, to) {
    to.finish(node, 'top.InstanceNorm', {
      inputs: affine(node, to),
      attributes: { eps: floatAttribute(node, 'epsilon', 1e-5) },
    });
  },
  GroupNormalization(node, to) {
    to.finish(node, 'top.GroupNorm', {
      inputs: affine(node, to),
      attributes: { numGroups: intAttribute(node, 'num_groups', 1), eps: floatAttribute(node, 'epsilon', 1e-5) },
    });
  },
  LayerNormalization(node, to) {
    to.finish(node, 'top.LayerNorm', {
      inputs: affine(node, to),
      attributes: {
        normalizedShape: [],
        axis: intAttribute(node, 'axis', -1),
        eps: floatAttribute(node, 'epsilon', 1e-5),
      },
    });
  },
  /** Made of RMSNormalization over the last dimension. */
  RMSNorm(node, to) {
    to.finish(node, 'top.RMSNorm', {
      inputs: [to.operand(node.inputs[0]), to.operand(node.inputs[1])],
      attributes: { eps: floatAttribute(node, 'epsilon', 1e-5) },
    });
  },
  PixelNormalization(node, to) {
    to.finish(node, 'top.PixelNorm', {
      inputs: affine(node, to),
      attributes: { eps: floatAttribute(node, 'epsilon', 1e-5) },
    });
  },
  LRN(node, to) {
    to.finish(node, 'top.LRN', {
      inputs: [to.operand(node.inputs[0])],
      attributes: {
        size: intAttribute(node, 'size', 1),
        alpha: floatAttribute(node, 'alpha', 1e-4),
        beta: floatAttribute(node, 'beta', 0.75),
        bias: floatAttribute(node, 'bias', 1),
      },
    });
  },
};
