import { elementCount } from '../dtype.ts';
import { type Graph, type Op, typeOf } from '../graph.ts';
import { matMulDimensions } from '../operators/matrix-product.ts';

/**
 * Operations per output element of simple layers; everything that only moves data has none. As TPU-MLIR 1.17 and 1.30 count:
 * ir.md 2.8 has 5 for SiLU and GELU.
 */
const PER_ELEMENT: Readonly<Record<string, number>> = {
  'top.SiLU': 9,
  'top.GELU': 16,
  'top.Exp': 4,
  'top.Interp': 2,
  'top.Upsample': 1,
  'top.Reduce': 1,
  'top.Sqrt': 1,
  'top.Reciprocal': 1,
  'top.Sigmoid': 4,
  'top.HardSigmoid': 4,
  'top.HardSwish': 5,
  'top.Softmax': 5,
  'top.Relu': 1,
  'top.LeakyRelu': 1,
  'top.Clip': 1,
  'top.Scale': 2,
  'top.AddConst': 1,
  'top.MulConst': 1,
};

/** The sum that `module.FLOPs` holds; informative only. */
export function countFlops(graph: Graph): number {
  return graph.ops.reduce((sum, op) => sum + flopsOf(graph, op), 0);
}

function flopsOf(graph: Graph, op: Op): number {
  const output = op.outputs.find((name) => name !== null);
  if (op.type === 'unknown' || output == null) return 0;
  const shape = (name: string | null | undefined) => (name == null ? [] : (typeOf(graph, name)?.shape ?? []));
  const count = elementCount(shape(output));
  const relu = 'doRelu' in op.attributes && op.attributes.doRelu ? 1 : 0;
  switch (op.type) {
    case 'top.Conv':
      return count * (2 * elementCount(shape(op.inputs[1]).slice(1)) + (op.inputs[2] == null ? 0 : 1) + relu);
    case 'top.MatMul': {
      const { batch, M, N, K } = matMulDimensions(shape(op.inputs[0]), shape(op.inputs[1]), op.attributes);
      return elementCount(batch) * M * N * (2 * K + (op.inputs[2] == null ? 0 : 1) + relu);
    }
    case 'top.AvgPool':
    case 'top.MaxPool':
      return count * (elementCount(op.attributes.kernelShape) + relu);
    case 'top.LayerNorm':
      return count * (10 + (op.inputs[1] == null ? 0 : 1) + (op.inputs[2] == null ? 0 : 1));
    case 'top.Add':
    case 'top.Sub':
    case 'top.Mul':
      return count * (op.inputs.length - 1 + relu);
    default:
      return PER_ELEMENT[op.type] === undefined ? 0 : count * (PER_ELEMENT[op.type]! + relu);
  }
}
