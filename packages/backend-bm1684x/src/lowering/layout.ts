import { getScaleAndShift, getScaleAndShiftPositive, type KnownOp, type OpOf, saturate, toInt } from '@q/ir';
import { extendedFormOf, type Quantizer } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';

/** Operators that only choose among codes: no parameters, the result has its own calibrated type. */
export function lowerCodesAsTheyAre(context: Bm168xContext, op: KnownOp): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const form = extendedFormOf(op);
  context.emitAs(op, form.type, form.inputs, form.attributes, context.codeType(op.name, op));
  return true;
}

/** Adds the operator that brings a value to the parameters of a result (numerics.md 7.4). */
function emitTransfer(
  context: Bm168xContext,
  op: OpOf<'top.Concat'>,
  value: string,
  to: { readonly name: string; readonly from: Quantizer; readonly target: Quantizer },
): void {
  const { name, from, target } = to;
  const type = { ...context.codeType(op.name, op), shape: context.shapeOf(value) };
  const factor = getScaleAndShiftPositive(from.scale / target.scale, 8);
  const renamed = { ...op, name, outputs: [name] };
  if (from.zeroPoint === 0 && target.zeroPoint === 0) {
    context.emitAs(renamed, 'tpu.MulShift', [value], factor, type);
  } else {
    context.emitAs(renamed, 'tpu.RequantInt', [value], { ...factor, quantMode: 'MultiplierShift' }, type);
  }
}

/** Operands with other parameters are brought to the result's, each by an operator of its own. */
export function lowerConcat(context: Bm168xContext, op: OpOf<'top.Concat'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const target = context.quantizerOf(op.name, op);
  const inputs = op.inputs.map((value) => {
    const from = context.quantizerOf(value!, op);
    if (from.scale === target.scale && from.zeroPoint === target.zeroPoint && from.signed === target.signed) {
      return value!;
    }
    const name = `${value}_to_${op.name}`;
    if (!context.values.has(name)) emitTransfer(context, op, value!, { name, from, target });
    return name;
  });
  context.emitAs(op, 'tpu.Concat', inputs, op.attributes, context.codeType(op.name, op));
  return true;
}

/** The padding value becomes a code of the input's scale. */
export function lowerPad(context: Bm168xContext, op: OpOf<'top.Pad'>): boolean {
  const { scale, zeroPoint } = context.quantizerOf(op.inputs[0]!, op);
  const attributes = { ...op.attributes, val: toInt(op.attributes.val / scale + zeroPoint) };
  context.emitAs(op, 'tpu.Pad', [op.inputs[0]!], attributes, context.codeType(op.name, op));
  return true;
}

/** Do the windows tile the padded input exactly? Upstream has no average with zero points otherwise. */
function windowsTile(context: Bm168xContext, op: OpOf<'top.AvgPool'>): boolean {
  const { kernelShape, strides, pads } = op.attributes;
  const spatial = kernelShape.length;
  const [from, to] = [context.shapeOf(op.inputs[0]!), context.shapeOf(op.name)];
  // Upstream looks at the last two dimensions only.
  return kernelShape.slice(-2).every((kernel, index) => {
    const axis = Math.max(0, spatial - 2) + index;
    const covered = (to[axis + 2]! - 1) * strides[axis]! + kernel;
    return covered >= from[axis + 2]! + pads[axis]! + pads[axis + spatial]!;
  });
}

/**
 * Average of codes (numerics.md 7.5): the window's sum times an 8-bit multiplier; with zero points, and in three
 * dimensions, times a real factor plus a real offset.
 */
export function lowerAvgPool(context: Bm168xContext, op: OpOf<'top.AvgPool'>): boolean {
  if (op.attributes.isAdaptive || (context.asymmetric && !windowsTile(context, op))) return false;
  const input = context.quantizerOf(op.inputs[0]!, op);
  const output = context.quantizerOf(op.name, op);
  const area = op.attributes.kernelShape.reduce((product, length) => product * length, 1);
  const form = extendedFormOf(op);
  const isReal = context.asymmetric || op.attributes.kernelShape.length === 3;
  const factor = isReal
    ? {
        scale: input.scale / (area * output.scale),
        offset: output.zeroPoint - (input.scale / output.scale) * input.zeroPoint,
      }
    : getScaleAndShift(input.scale / (output.scale * area), 8);
  context.emitAs(op, form.type, form.inputs, { ...form.attributes, ...factor }, context.codeType(op.name, op));
  return true;
}

/** Constants become codes of the result. */
export function lowerWhere(context: Bm168xContext, op: OpOf<'top.Where'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const { scale, zeroPoint, signed } = context.quantizerOf(op.name, op);
  const code = (value: number): number => saturate(value / scale + zeroPoint, signed ? 'i8' : 'u8');
  const { xConstVal, yConstVal } = op.attributes;
  const attributes = { ...op.attributes, xConstVal: code(xConstVal), yConstVal: code(yConstVal) };
  context.emitAs(op, 'tpu.Where', op.inputs, attributes, context.codeType(op.name, op));
  return true;
}
