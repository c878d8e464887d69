import { getScaleAndShift, getScaleAndShiftPositive, type KnownOp, type OpOf, saturate, toInt } from '@q/ir';
import { absMax, extremes, tpuFormOf } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';

/** One operand of an element-wise operator: its name in the lowered graph and the scale of its codes. */
interface Operand {
  readonly name: string;
  readonly scale: number;
  readonly isConstant: boolean;
}

/** 8-bit codes of a constant at a given scale; unsigned when nothing is negative. */
function constantCodes(context: Bm168xContext, name: string, scale: number, signed: boolean): string {
  const type = signed ? 'i8' : 'u8';
  const codes = context.floats(name).map((value) => saturate(value / scale, type));
  return context.addWeight(
    name,
    type,
    { shape: context.shapeOf(name), dtype: type },
    signed ? Int8Array.from(codes) : Uint8Array.from(codes),
  );
}

/** An activation as it is; a constant quantized to its own largest magnitude, its scale kept in f64 or narrowed to f32. */
function operandOf(context: Bm168xContext, name: string, op: KnownOp, narrow: (scale: number) => number): Operand {
  if (!context.isWeight(name)) return { name, scale: context.quantizerOf(name, op).scale, isConstant: false };
  const data = context.floats(name);
  const signed = extremes(data).min < 0;
  const scale = narrow(absMax(data) / (signed ? 127 : 255));
  // All zero: any scale gives the codes 0.
  return { name: constantCodes(context, name, scale || 1, signed), scale, isConstant: true };
}

/** Add: each operand has its own multiplier and shift to the result's scale (numerics.md 7.3). */
export function lowerAdd(context: Bm168xContext, op: OpOf<'top.Add'>): boolean {
  const outputScale = context.quantizerOf(op.name, op).scale;
  const operands = op.inputs.map((name) => operandOf(context, name!, op, (scale) => scale));
  const factors = operands.map(({ scale, isConstant }, index) =>
    getScaleAndShiftPositive(((isConstant ? 1 : (op.attributes.coeff?.[index] ?? 1)) * scale) / outputScale, 8),
  );
  const attributes = {
    doRelu: op.attributes.doRelu,
    multipliers: factors.map(({ multiplier }) => multiplier),
    rshifts: factors.map(({ rshift }) => rshift),
  };
  context.emitAs(
    op,
    'tpu.Add',
    operands.map(({ name }) => name),
    attributes,
    context.codeType(op.name, op),
  );
  return true;
}

/** Sub: as Add, but a constant is quantized at the result's scale; with zero points it runs in float. */
export function lowerSub(context: Bm168xContext, op: OpOf<'top.Sub'>): boolean {
  if (context.asymmetric) return false;
  const outputScale = context.quantizerOf(op.name, op).scale;
  const operands = op.inputs.map((name): Operand => {
    if (!context.isWeight(name)) return { name: name!, scale: context.quantizerOf(name!, op).scale, isConstant: false };
    const signed = extremes(context.floats(name)).min < 0;
    return { name: constantCodes(context, name, outputScale, signed), scale: outputScale, isConstant: true };
  });
  const factors = operands.map(({ scale, isConstant }, index) =>
    isConstant
      ? { multiplier: 1, rshift: 0 }
      : getScaleAndShiftPositive(((op.attributes.coeff?.[index] ?? 1) * scale) / outputScale, 8),
  );
  const attributes = {
    doRelu: op.attributes.doRelu,
    isReverse: op.attributes.isReverse,
    multipliers: factors.map(({ multiplier }) => multiplier),
    rshifts: factors.map(({ rshift }) => rshift),
  };
  context.emitAs(
    op,
    'tpu.Sub',
    operands.map(({ name }) => name),
    attributes,
    context.codeType(op.name, op),
  );
  return true;
}

/** Mul: one multiplier and shift for the product of all codes. */
export function lowerMul(context: Bm168xContext, op: OpOf<'top.Mul'>): boolean {
  const outputScale = context.quantizerOf(op.name, op).scale;
  const operands = op.inputs.map((name) => operandOf(context, name!, op, Math.fround));
  const factor = operands.reduce((product, { scale }) => product * scale, 1) / outputScale;
  const attributes = { doRelu: op.attributes.doRelu, ...getScaleAndShift(factor, 8) };
  context.emitAs(
    op,
    'tpu.Mul',
    operands.map(({ name }) => name),
    attributes,
    context.codeType(op.name, op),
  );
  return true;
}

/** MulConst becomes a MulShift, which has no Relu of its own: only unsigned codes cut at zero. */
export function lowerMulConst(context: Bm168xContext, op: OpOf<'top.MulConst'>): boolean {
  const input = context.quantizerOf(op.inputs[0]!, op).scale;
  const { scale: output, signed } = context.quantizerOf(op.name, op);
  if (op.attributes.doRelu && signed) return false;
  const factor = getScaleAndShift((input / output) * op.attributes.constVal, 8);
  context.emitAs(op, 'tpu.MulShift', op.inputs, factor, context.codeType(op.name, op));
  return true;
}

/** AddConst and SubConst: the constant is shifted up to the multiplier's precision; with zero points they run in float. */
export function lowerAddConst(context: Bm168xContext, op: OpOf<'top.AddConst'> | OpOf<'top.SubConst'>): boolean {
  if (context.asymmetric) return false;
  const input = context.quantizerOf(op.inputs[0]!, op).scale;
  const output = context.quantizerOf(op.name, op).scale;
  const factor = getScaleAndShiftPositive(input / output, 8);
  const constVal = toInt(op.attributes.constVal / output) * 2 ** factor.rshift;
  const form = tpuFormOf(op);
  context.emitAs(op, form.type, op.inputs, { ...form.attributes, ...factor, constVal }, context.codeType(op.name, op));
  return true;
}

/** MaxConst and MinConst compare codes; input and result share their scale. Upstream leaves the zero point out. */
export function lowerExtremumConst(context: Bm168xContext, op: OpOf<'top.MaxConst'> | OpOf<'top.MinConst'>): boolean {
  const output = context.quantizerOf(op.name, op).scale;
  const form = tpuFormOf(op);
  const attributes = { ...form.attributes, constVal: toInt(op.attributes.constVal / output), multiplier: 1, rshift: 0 };
  context.emitAs(op, form.type, op.inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** Result of a comparison: 0 or 1, whatever calibration saw. */
function comparisonType(context: Bm168xContext, name: string) {
  return {
    shape: context.shapeOf(name),
    dtype: 'u8',
    quantization: { kind: 'uniform', expressed: 'f32', scale: 1, zeroPoint: 0 },
  } as const;
}

export function lowerCompare(context: Bm168xContext, op: OpOf<'top.Compare'>): boolean {
  if (op.inputs.some((name) => context.isWeight(name))) return false;
  const [left, right] = op.inputs.map((name) => context.quantizerOf(name!, op));
  if (left!.scale !== right!.scale || left!.zeroPoint !== right!.zeroPoint) return false;
  context.emitAs(op, 'tpu.Compare', op.inputs, op.attributes, comparisonType(context, op.name));
  return true;
}

export function lowerCompareConst(context: Bm168xContext, op: OpOf<'top.CompareConst'>): boolean {
  if (op.attributes.mode === 'And') return false;
  const { scale, zeroPoint, signed } = context.quantizerOf(op.inputs[0]!, op);
  const constVal = saturate(op.attributes.constVal / scale + zeroPoint, signed ? 'i8' : 'u8');
  context.emitAs(op, 'tpu.CompareConst', op.inputs, { ...op.attributes, constVal }, comparisonType(context, op.name));
  return true;
}
