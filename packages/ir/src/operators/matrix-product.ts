import { defaulted, optional } from '../attribute-schema.ts';
import { elementCount } from '../dtype.ts';
import { reluAttributes } from './convolution.ts';
import { type OperatorRow, row } from './row.ts';
import { broadcastShapes, f32, shapeMismatch } from './shape-rules.ts';

const matMulAttributes = {
  rightTranspose: defaulted('bool', 'right_transpose', false),
  leftTranspose: defaulted('bool', 'left_transpose', false),
  outputTranspose: defaulted('bool', 'output_transpose', false),
  hdimIsBatch: defaulted('bool', 'hdim_is_batch', false),
  keepDims: defaulted('bool', 'keep_dims', true),
  isLora: defaulted('bool', 'is_lora', false),
  dqType: defaulted('string', 'dq_type', 'NONE'),
  qGroupSize: defaulted('i64', 'q_group_size', 0),
  weightBits: optional('i64', 'weight_bits'),
  ...reluAttributes,
} as const;

/** How a `top.MatMul` reads its operands: batch × [M, K] · [K, N], transposes already resolved. */
export interface MatMulDimensions {
  readonly batch: readonly number[];
  readonly leftBatch: readonly number[];
  readonly rightBatch: readonly number[];
  readonly M: number;
  readonly K: number;
  readonly N: number;
  readonly output: readonly number[];
}

type MatMulFlags = {
  readonly leftTranspose: boolean;
  readonly rightTranspose: boolean;
  readonly outputTranspose: boolean;
  readonly hdimIsBatch: boolean;
  readonly keepDims: boolean;
};

const swapAt = (shape: readonly number[], a: number, b: number): number[] =>
  shape.map((dim, axis) => (axis === a ? shape[b]! : axis === b ? shape[a]! : dim));

/**
 * Dimensions of a matrix product (ir.md 6.2): NumPy's batch broadcast; a left operand with more than two dimensions is
 * flattened when the right one is 2-D and K is the product of its trailing dimensions; a 1-D right operand drops the
 * last dimension.
 */
export function matMulDimensions(
  left: readonly number[],
  right: readonly number[],
  flags: MatMulFlags,
): MatMulDimensions {
  const swapHeads = (shape: readonly number[]) =>
    flags.hdimIsBatch && shape.length === 4 ? swapAt(shape, 1, 2) : [...shape];
  const a = left.length === 1 ? [1, left[0]!] : swapHeads(left);
  const b = right.length === 1 ? [right[0]!, 1] : swapHeads(right);
  const [kRight, N] = flags.rightTranspose && right.length > 1 ? [b.at(-1)!, b.at(-2)!] : [b.at(-2)!, b.at(-1)!];
  const [M, kLeft] = flags.leftTranspose ? [a.at(-1)!, a.at(-2)!] : [a.at(-2)!, a.at(-1)!];
  if (kLeft !== kRight) return flattenedProduct(left, right, kRight, N);
  const leftBatch = a.slice(0, -2);
  const rightBatch = b.slice(0, -2);
  const batch = broadcastShapes([leftBatch, rightBatch, []]);
  const rows = left.length === 1 ? [] : [M];
  const columns = right.length === 1 ? [] : [N];
  const matrix = flags.outputTranspose ? [...columns, ...rows] : [...rows, ...columns];
  const full = swapHeads([...batch, ...matrix]);
  const output = flags.keepDims || full.length < 2 ? full : [elementCount(full.slice(0, -1)), full.at(-1)!];
  return { batch, leftBatch, rightBatch, M, K: kLeft, N, output };
}

function flattenedProduct(
  left: readonly number[],
  right: readonly number[],
  kRight: number,
  N: number,
): MatMulDimensions {
  for (let axis = left.length - 1; axis >= 0 && right.length === 2; axis--) {
    if (elementCount(left.slice(axis)) !== kRight) continue;
    const rows = left.slice(0, axis);
    const M = elementCount(rows);
    return { batch: [], leftBatch: [], rightBatch: [], M, K: kRight, N, output: [...rows, N] };
  }
  return shapeMismatch([left, right], 'equal inner dimensions of a matrix product');
}

const matMul: OperatorRow<typeof matMulAttributes> = row({
  attributes: matMulAttributes,
  fusesRelu: true,
  operands: ['input', 'right', 'bias?'],
  inferShapes({ attributes, inputs }) {
    return { outputs: [f32(matMulDimensions(inputs[0]!.shape, inputs[1]!.shape, attributes).output)] };
  },
  macs({ attributes, inputs }) {
    const { batch, M, K, N } = matMulDimensions(inputs[0]!.shape, inputs[1]!.shape, attributes);
    return elementCount(batch) * M * K * N;
  },
});

export const matrixProductRows = {
  'top.MatMul': matMul,
} as const;
