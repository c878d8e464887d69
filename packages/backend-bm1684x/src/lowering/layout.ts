import { getScaleAndShift, getScaleAndShiftPositive, type KnownOp, type OpOf, saturate, toInt } from '@q/ir';
import { tpuFormOf } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';

/** Operators that only choose among codes: no parameters, the result has its own calibrated type. */
export function lowerCodesAsTheyAre(context: Bm168xContext, op: KnownOp): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const form = tpuFormOf(op);
  context.emitAs(op, form.type, form.inputs, form.attributes, context.codeType(op.name, op));
  return true;
}

/** Operands of another scale are brought to the result's by a MulShift each (numerics.md 7.4). */
export function lowerConcat(context: Bm168xContext, op: OpOf<'top.Concat'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const output = context.quantizerOf(op.name, op);
  const inputs = op.inputs.map((name) => {
    const input = context.quantizerOf(name!, op);
    if (input.scale === output.scale && input.signed === output.signed) return name!;
    const transferred = `${name}_to_${op.name}`;
    if (!context.values.has(transferred)) {
      const type = { ...context.codeType(op.name, op), shape: context.shapeOf(name!) };
      const factor = getScaleAndShiftPositive(input.scale / output.scale, 8);
      context.emitAs({ ...op, name: transferred, outputs: [transferred] }, 'tpu.MulShift', [name!], factor, type);
    }
    return transferred;
  });
  context.emitAs(op, 'tpu.Concat', inputs, op.attributes, context.codeType(op.name, op));
  return true;
}

/** The padding value becomes a code of the input's scale. */
export function lowerPad(context: Bm168xContext, op: OpOf<'top.Pad'>): boolean {
  const { scale } = context.quantizerOf(op.inputs[0]!, op);
  const attributes = { ...op.attributes, val: toInt(op.attributes.val / scale) };
  context.emitAs(op, 'tpu.Pad', [op.inputs[0]!], attributes, context.codeType(op.name, op));
  return true;
}

/** Average of codes: the window's sum times an 8-bit multiplier (numerics.md 7.5). */
export function lowerAvgPool(context: Bm168xContext, op: OpOf<'top.AvgPool'>): boolean {
  if (op.attributes.isAdaptive) return false;
  const input = context.quantizerOf(op.inputs[0]!, op).scale;
  const output = context.quantizerOf(op.name, op).scale;
  const area = op.attributes.kernelShape.reduce((product, length) => product * length, 1);
  const form = tpuFormOf(op);
  const attributes = { ...form.attributes, ...getScaleAndShift(input / (output * area), 8) };
  context.emitAs(op, form.type, form.inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** Constants become codes of the result. */
export function lowerWhere(context: Bm168xContext, op: OpOf<'top.Where'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const { scale, signed } = context.quantizerOf(op.name, op);
  const code = (value: number): number => saturate(value / scale, signed ? 'i8' : 'u8');
  const { xConstVal, yConstVal } = op.attributes;
  const attributes = { ...op.attributes, xConstVal: code(xConstVal), yConstVal: code(yConstVal) };
  context.emitAs(op, 'tpu.Where', op.inputs, attributes, context.codeType(op.name, op));
  return true;
}
