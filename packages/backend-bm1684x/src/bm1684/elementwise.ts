import { bm1684RightShiftByLog, getScaleAndShift, type KnownOp, type OpOf, saturate } from '@q/ir';
import { absMax, extremes, type LoweringContext, tpuFormOf } from '@q/ir/lowering';
import { int8Code, int16Codes, shiftedScale } from './codes.ts';

/** One operand of an element-wise operator: its name in the lowered graph and the scale of its codes. */
interface Operand {
  readonly name: string;
  readonly scale: number;
}

/** An activation as it is; a constant as codes of its own largest magnitude, unsigned when nothing is negative. */
function operandOf(context: LoweringContext, name: string, op: KnownOp): Operand {
  if (!context.isWeight(name)) return { name, scale: context.quantizerOf(name, op).scale };
  const data = context.floats(name);
  const signed = extremes(data).min < 0;
  const exact = absMax(data) / (signed ? 127 : 255);
  const scale = op.type === 'top.Add' ? exact : Math.fround(exact);
  const dtype = signed ? 'i8' : 'u8';
  // All zero: any scale gives the codes 0.
  const codes = data.map((value) => saturate(value / (scale || 1), dtype));
  const suffix = !signed && op.type !== 'top.Mul' ? 'U8' : dtype;
  const type = { shape: context.shapeOf(name), dtype } as const;
  const constant = context.addWeight(name, suffix, type, signed ? Int8Array.from(codes) : Uint8Array.from(codes));
  return { name: constant, scale };
}

interface Factor {
  readonly multiplier: number;
  readonly rshift: number;
}

/** An i8 multiplier and a shift of 0…31 for `coefficient` · input / output. */
function factorOf(coefficient: number, inputScale: number, outputScale: number): Factor {
  const rshift = Math.max(0, bm1684RightShiftByLog(coefficient, inputScale, outputScale));
  return { multiplier: int8Code(coefficient, shiftedScale(rshift, inputScale, outputScale)), rshift };
}

/** Add and Sub: every operand has its own multiplier. A negative coefficient runs in F32. */
export function lowerSum(context: LoweringContext, op: OpOf<'top.Add'> | OpOf<'top.Sub'>): boolean {
  const outputScale = context.quantizerOf(op.name, op).scale;
  const { coeff, doRelu } = op.attributes;
  if (coeff?.some((value) => value < 0)) return false;
  const operands = op.inputs.map((name) => operandOf(context, name!, op));
  const factors = operands.map(({ scale }, index) => factorOf(coeff?.[index] ?? 1, scale, outputScale));
  const attributes = {
    doRelu,
    ...(op.type === 'top.Sub' ? { isReverse: op.attributes.isReverse } : {}),
    multipliers: factors.map(({ multiplier }) => multiplier),
    rshifts: factors.map(({ rshift }) => rshift),
  };
  const inputs = operands.map(({ name }) => name);
  context.emitAs(op, tpuFormOf(op).type, inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** Mul: one multiplier for the product of all codes; the shift never goes left. */
export function lowerMul(context: LoweringContext, op: OpOf<'top.Mul'>): boolean {
  const outputScale = context.quantizerOf(op.name, op).scale;
  const operands = op.inputs.map((name) => operandOf(context, name!, op));
  const factor = operands.reduce((product, { scale }) => product * scale, 1) / outputScale;
  const { multiplier, rshift } = getScaleAndShift(factor, 8);
  if (multiplier < 0 || multiplier > 127) return false;
  const attributes = { doRelu: op.attributes.doRelu, multiplier, rshift: Math.min(Math.max(rshift, 0), 31) };
  const inputs = operands.map(({ name }) => name);
  context.emitAs(op, 'tpu.Mul', inputs, attributes, context.codeType(op.name, op));
  return true;
}

function scalesOf(context: LoweringContext, op: KnownOp) {
  return [context.quantizerOf(op.inputs[0]!, op).scale, context.quantizerOf(op.name, op).scale] as const;
}

/** MulConst keeps its operator; the constant is in the multiplier. */
export function lowerMulConst(context: LoweringContext, op: OpOf<'top.MulConst'>): boolean {
  const [input, output] = scalesOf(context, op);
  const factor = factorOf(op.attributes.constVal, input, output);
  const attributes = { doRelu: op.attributes.doRelu, constVal: 1, ...factor };
  context.emitAs(op, 'tpu.MulConst', op.inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** AddConst and SubConst: the constant is an i16 code of the shifted result. */
export function lowerAddConst(context: LoweringContext, op: OpOf<'top.AddConst'> | OpOf<'top.SubConst'>): boolean {
  const [input, output] = scalesOf(context, op);
  const factor = factorOf(1, input, output);
  const [constVal] = int16Codes([op.attributes.constVal], 2 ** factor.rshift / output).codes;
  const { doRelu } = op.attributes;
  const reversal = op.type === 'top.SubConst' ? { isReverse: op.attributes.isReverse } : {};
  const attributes = { doRelu, ...reversal, constVal: constVal!, ...factor };
  context.emitAs(op, tpuFormOf(op).type, op.inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** How often the shift of a MaxConst or MinConst may shrink so that its constant fits 16 bits. */
const SHRINKS = 5;

/** MaxConst and MinConst compare before the shift. Without a shift they run in F32. */
export function lowerExtremumConst(context: LoweringContext, op: OpOf<'top.MaxConst'> | OpOf<'top.MinConst'>): boolean {
  const input = context.quantizerOf(op.inputs[0]!, op).scale;
  const output = context.quantizerOf(op.name, op).scale;
  let rshift = bm1684RightShiftByLog(1, input, output);
  let quantized = int16Codes([op.attributes.constVal], 2 ** rshift / output);
  for (let left = SHRINKS; quantized.overflow > 0 && left > 0; left--) {
    rshift -= 1;
    quantized = int16Codes([op.attributes.constVal], 2 ** rshift / output);
  }
  if (rshift <= 0) return false;
  const multiplier = int8Code(1, shiftedScale(rshift, input, output));
  const attributes = { constVal: quantized.codes[0]!, multiplier, rshift };
  context.emitAs(op, tpuFormOf(op).type, op.inputs, attributes, context.codeType(op.name, op));
  return true;
}
