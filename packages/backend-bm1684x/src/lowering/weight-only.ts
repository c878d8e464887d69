import { bf16Bits, f16Bits, type KnownOp, type OpOf, saturate, toInt } from '@q/ir';
import { extremes } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';
import { rightLayout } from './mat-mul.ts';

const f = Math.fround;

/** Weights of a product as integers, row by row of the transposed matrix [N, K] (numerics.md 13). */
interface IntegerWeights {
  /** Codes before packing. */
  readonly codes: Int8Array | Uint8Array;
  /** One per group, or per row. */
  readonly scales: Float32Array;
  /** Absent where codes are signed and symmetric. */
  readonly zeroPoints: Uint8Array | undefined;
  /** False when every weight is positive. */
  readonly signed: boolean;
}

export interface WeightOnlyOptions {
  readonly bits: 4 | 8;
  /** 0: one scale per row. */
  readonly groupSize: number;
  readonly symmetric: boolean;
}

const largestAbs = (row: Float32Array): number => {
  const { min, max } = extremes(row);
  return Math.max(Math.abs(min), Math.abs(max));
};

/** Scale and zero point of weights that share them; every step in f32. */
function parametersOf(weights: Float32Array, { bits, groupSize, symmetric }: WeightOnlyOptions): [number, number] {
  const highest = 2 ** bits - 1;
  if (symmetric && groupSize > 0) return [f(f(2 * largestAbs(weights)) / highest), 2 ** (bits - 1)];
  const { min, max } = extremes(weights);
  const scale = f(Math.max(f(max - min), f(1e-5)) / highest);
  return [scale, Math.min(Math.max(0 - toInt(f(min / scale)), 0), highest)];
}

/** Integer weights of `rows` rows. */
export function quantizeWeights(weights: Float32Array, rows: number, options: WeightOnlyOptions): IntegerWeights {
  const { bits, groupSize } = options;
  const signed = !(extremes(weights).min > 0);
  const length = groupSize === 0 ? weights.length / rows : groupSize;
  const count = weights.length / length;
  const scales = new Float32Array(count);
  if (bits === 8 && groupSize === 0) {
    const codes = signed ? new Int8Array(weights.length) : new Uint8Array(weights.length);
    for (let group = 0; group < count; group++) {
      scales[group] = largestAbs(weights.subarray(group * length, (group + 1) * length)) / (signed ? 127 : 255);
    }
    weights.forEach((weight, at) => {
      codes[at] = saturate(f(weight / scales[Math.floor(at / length)]!), signed ? 'i8' : 'u8');
    });
    return { codes, scales, zeroPoints: undefined, signed };
  }
  const zeroPoints = new Uint8Array(count);
  const codes = new Uint8Array(weights.length);
  for (let group = 0; group < count; group++) {
    const own = weights.subarray(group * length, (group + 1) * length);
    const [scale, zeroPoint] = parametersOf(own, options);
    scales[group] = scale;
    zeroPoints[group] = zeroPoint;
    own.forEach((weight, at) => {
      codes[group * length + at] = saturate(toInt(f(weight / scale)) + zeroPoint, bits === 4 ? 'u4' : 'u8');
    });
  }
  return { codes, scales, zeroPoints, signed };
}

/** Two codes per byte, the even one in the low nibble. */
export function packNibbles(codes: ArrayLike<number>): Uint8Array {
  return Uint8Array.from({ length: codes.length / 2 }, (_, at) => codes[2 * at]! | (codes[2 * at + 1]! << 4));
}

/** Rows of the transposed right operand, one per column of the product. */
function transposed(data: Float32Array, N: number, K: number): Float32Array {
  return Float32Array.from({ length: N * K }, (_, at) => data[(at % K) * N + Math.floor(at / K)]!);
}

function optionsOf(context: Bm168xContext, op: KnownOp): WeightOnlyOptions {
  const { plan } = context;
  const groupSize = plan.ops.get(op.name)?.groupSize ?? plan.options?.groupSize ?? 64;
  const bits = context.precisionOf(op).startsWith('W4') ? 4 : 8;
  return { bits, groupSize, symmetric: plan.options?.symmetricGroups ?? false };
}

/**
 * A product whose weights alone are integers (numerics.md 13). Answers false for one that runs as a plain 16-bit product:
 * the right operand is not a constant matrix, or its depth does not divide into groups.
 */
export function lowerWeightOnly(context: Bm168xContext, op: OpOf<'top.MatMul'>, dtype: 'f16' | 'bf16'): boolean {
  const [left, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  const { leftTranspose, outputTranspose, hdimIsBatch, rightTranspose, doRelu } = op.attributes;
  if (!context.isWeight(right) || context.isWeight(left) || context.shapeOf(right).length !== 2) return false;
  if (leftTranspose || outputTranspose || hdimIsBatch || (biasName != null && !context.isWeight(biasName)))
    return false;
  const { N, K } = rightLayout(context, op);
  const options = optionsOf(context, op);
  const { bits, groupSize } = options;
  if (K % 2 === 1 || (groupSize > 0 && K % groupSize !== 0)) return false;
  const data = context.floats(right);
  const { codes, scales, zeroPoints, signed } = quantizeWeights(
    rightTranspose ? data : transposed(data, N, K),
    N,
    options,
  );
  const toBits = dtype === 'f16' ? f16Bits : bf16Bits;
  const parameters = [N, scales.length / N];
  const isSigned = codes instanceof Int8Array;
  const weight = { shape: [N, bits === 4 ? K / 2 : K], dtype: isSigned ? 'i8' : 'u8' } as const;
  const inputs = [
    left,
    context.addWeight(op.name, isSigned ? 'int' : 'uint', weight, bits === 4 ? packNibbles(codes) : codes),
    context.addWeight(op.name, `scale_${dtype}`, { shape: parameters, dtype }, Uint16Array.from(scales, toBits)),
    zeroPoints === undefined ? null : context.addWeight(op.name, 'zp', { shape: parameters, dtype: 'u8' }, zeroPoints),
    biasName == null ? null : context.floatOperand(biasName, dtype),
  ];
  const attributes = { wTranspose: true, weightBits: bits, sign: signed, qGroupSize: groupSize };
  emitProduct(context, op, { inputs, attributes, dtype, doRelu });
  return true;
}

/** The product, and the Relu that it has no room for. */
function emitProduct(
  context: Bm168xContext,
  op: OpOf<'top.MatMul'>,
  parts: { inputs: readonly (string | null)[]; attributes: object; dtype: 'f16' | 'bf16'; doRelu: boolean },
): void {
  const { inputs, attributes, dtype, doRelu } = parts;
  const type = context.floatType(op.name, dtype);
  if (!doRelu) {
    context.emitAs(op, 'tpu.A16MatMul', inputs, attributes, type);
    return;
  }
  const name = `${op.name}_a16matmul`;
  context.emitAs({ ...op, name, outputs: [name] }, 'tpu.A16MatMul', inputs, attributes, { shape: type.shape, dtype });
  context.emitAs(op, 'tpu.Relu', [name], { reluLimit: op.attributes.reluLimit }, type);
}
