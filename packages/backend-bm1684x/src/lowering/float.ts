import type { KnownOp } from '@q/ir';
import { extendedFormOf } from '@q/ir/lowering';
import { BF16_RUNS_F32, F16_RUNS_F32 } from '../processors.ts';
import type { Bm168xContext, FloatType } from './context.ts';

/** Operands that stay f32 when an operator runs in 16 bits: the bias of convolutions, and of a MatMul on some processors. */
function keepsF32(context: Bm168xContext, op: KnownOp, operand: number): boolean {
  if (op.type === 'top.Conv' || op.type === 'top.Deconv') return operand === 2;
  if (op.type === 'top.MatMul') return operand === 2 && !context.processor.matMulBiasNarrowed;
  // Indices are numbers of elements, whatever the data are.
  return op.type === 'top.Gather' && operand === 1;
}

/** Largest finite values: a constant beyond them keeps its operator in F32. */
const F16_MAX = 65504;
const BF16_MAX = 3.3895313892515355e38;

/** A softmax over more than half a bank of local memory has no 16-bit form. */
function isLongSoftmax(context: Bm168xContext, op: KnownOp): boolean {
  if (op.type !== 'top.Softmax') return false;
  const shape = context.shapeOf(op.inputs[0]!);
  const { axis } = op.attributes;
  return shape[axis < 0 ? axis + shape.length : axis]! > context.processor.localMemoryBankBytes / 2;
}

/** The float type that `op` gets when `wanted` is asked for (numerics.md 12). */
export function floatTypeOf(context: Bm168xContext, op: KnownOp, wanted: FloatType): FloatType {
  if (wanted === 'f32' || isLongSoftmax(context, op)) return 'f32';
  const { processor } = context;
  const [always, here, limit] =
    wanted === 'f16' ? [F16_RUNS_F32, processor.f16Refused, F16_MAX] : [BF16_RUNS_F32, processor.bf16Refused, BF16_MAX];
  if (always.has(op.type) || here.has(op.type)) return 'f32';
  if (wanted === 'f16' && op.type === 'top.GELU' && context.plan.options?.highPrecision) return 'f32';
  return op.type === 'top.MulConst' && Math.abs(op.attributes.constVal) > limit ? 'f32' : wanted;
}

/** Emits the float form of `op` in the given type. */
export function lowerToFloat(context: Bm168xContext, op: KnownOp, dtype: FloatType): void {
  const form = extendedFormOf(op);
  const inputs = form.inputs.map((name, index) => {
    if (name === null) return null;
    return context.floatOperand(name, keepsF32(context, op, index) ? 'f32' : dtype);
  });
  const types = op.outputs.map((name) => (name === null ? undefined : context.floatType(name, dtype)));
  context.emitAs(op, form.type, inputs, form.attributes, types.find((type) => type !== undefined)!);
  op.outputs.forEach((name, index) => {
    if (name !== null) context.values.set(name, types[index]!);
  });
}
