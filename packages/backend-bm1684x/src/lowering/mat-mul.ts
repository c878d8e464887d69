import { getScaleAndShift, type OpOf, QError, saturate, toInt } from '@q/ir';
import { absMax, tpuFormOf } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';

/** INT8 matrix product (numerics.md 7.2), symmetric, one scale for the whole right operand. False: it runs in F16. */
export function lowerMatMul(context: Bm168xContext, op: OpOf<'top.MatMul'>): boolean {
  const [left, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (context.isWeight(left)) return false;
  const inputScale = context.quantizerOf(left, op).scale;
  const { scale: outputScale, type } = context.resultOf(op);
  const inputs: (string | null)[] = [left, right, null];
  let rightScale: number;
  if (context.isWeight(right)) {
    const filter = context.floats(right);
    rightScale = absMax(filter) / 127;
    if (rightScale === 0) throw allZero(op);
    const codes = Int8Array.from(filter, (weight) => saturate(weight / rightScale, 'i8'));
    inputs[1] = context.addWeight(op.name, 'filter_int8', { shape: context.shapeOf(right), dtype: 'i8' }, codes);
  } else {
    rightScale = context.quantizerOf(right, op).scale;
  }
  if (biasName != null) {
    if (!context.isWeight(biasName)) return false;
    const bias = context.floats(biasName);
    const rank = context.shapeOf(left).length;
    const shape = Array.from({ length: rank }, (_, axis) => (axis === rank - 1 ? bias.length : 1));
    const codes = Int32Array.from(bias, (value) => toInt(value / (rightScale * inputScale)));
    inputs[2] = context.addWeight(op.name, 'bias_int32', { shape, dtype: 'i32' }, codes);
  }
  const { multiplier, rshift } = getScaleAndShift(Math.fround((inputScale * rightScale) / outputScale), 32);
  const attributes = { ...tpuFormOf(op).attributes, multipliers: [multiplier], rshifts: [rshift] };
  context.emitAs(op, 'tpu.MatMul', inputs, attributes, type);
  return true;
}

function allZero(op: OpOf<'top.MatMul'>): QError {
  return new QError(`The weights of ${op.name} are all zero.`, {
    code: 'lower.zero-weights',
    where: op.name,
    hint: `remove ${op.name} from the network, or put it into the quantize table as F32`,
  });
}
