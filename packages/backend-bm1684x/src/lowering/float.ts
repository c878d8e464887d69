import type { KnownOp } from '@q/ir';
import { tpuFormOf } from '@q/ir/lowering';
import { F16_RUNS_F32 } from '../processors.ts';
import type { Bm168xContext } from './context.ts';

/** Operands that stay f32 when an operator runs in F16: the bias of convolutions, and of a MatMul on some processors. */
function keepsF32(context: Bm168xContext, op: KnownOp, operand: number): boolean {
  if (op.type === 'top.Conv' || op.type === 'top.Deconv') return operand === 2;
  if (op.type === 'top.MatMul') return operand === 2 && !context.processor.matMulBiasNarrowed;
  // Indices are numbers of elements, whatever the data are.
  return op.type === 'top.Gather' && operand === 1;
}

const F16_MAX = 65504;

/** The float type that `op` gets when F16 is asked for (numerics.md 12). */
export function f16OrF32(context: Bm168xContext, op: KnownOp): 'f16' | 'f32' {
  if (F16_RUNS_F32.has(op.type) || context.processor.f16Refused.has(op.type)) return 'f32';
  if (op.type === 'top.MulConst' && Math.abs(op.attributes.constVal) > F16_MAX) return 'f32';
  return 'f16';
}

/** Emits the float form of `op` in the given type. */
export function lowerToFloat(context: Bm168xContext, op: KnownOp, dtype: 'f16' | 'f32'): void {
  const form = tpuFormOf(op);
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
