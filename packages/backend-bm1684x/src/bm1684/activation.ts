import {
  bm1684RightShiftByLog,
  functionTable,
  getScaleAndShift,
  type KnownOp,
  mulI8,
  type OpOf,
  rsMul,
  type ScalarFunction,
  scalarFunctionOf,
} from '@q/ir';
import { absMax, type LoweringContext } from '@q/ir/lowering';
import { int8Code, shiftedScale } from './codes.ts';

/** GELU in its tanh form whatever the mode, Softplus without the shortcut for large operands. */
function tableFunction(op: KnownOp): ScalarFunction {
  if (op.type === 'top.Softplus') return (x) => Math.log1p(Math.exp(x));
  const read = op.type === 'top.GELU' ? { ...op, attributes: { ...op.attributes, approxMode: 'tanh' } } : op;
  return scalarFunctionOf(read)!;
}

/** A function of one operand as a table of 256 8-bit codes in 32-bit storage. */
export function lowerToTable(context: LoweringContext, op: KnownOp): boolean {
  const output = context.quantizerOf(op.name, op);
  const codes = functionTable(tableFunction(op), context.quantizerOf(op.inputs[0]!, op), output);
  const shape = [1, 1, 1, 256];
  const table = output.signed
    ? context.addWeight(op.name, 'table', { shape, dtype: 'i32', spelling: 'si32' }, Int32Array.from(codes))
    : context.addWeight(op.name, 'table', { shape, dtype: 'u32' }, Uint32Array.from(codes));
  context.emitAs(op, 'tpu.Lut', [op.inputs[0]!, table], {}, context.codeType(op.name, op));
  return true;
}

/** Operand and result share their scale. */
export function lowerLeakyRelu(context: LoweringContext, op: OpOf<'top.LeakyRelu'>): boolean {
  const factor = getScaleAndShift(op.attributes.alpha, 8);
  context.emitAs(op, 'tpu.LeakyRelu', op.inputs, factor, context.codeType(op.name, op));
  return true;
}

/** All slopes share one shift; there is one slope per channel. */
export function lowerPRelu(context: LoweringContext, op: OpOf<'top.PRelu'>): boolean {
  const [input, slopeName] = op.inputs as readonly [string, string];
  if (!context.isWeight(slopeName)) return false;
  const slopes = context.floats(slopeName);
  if (slopes.length !== context.shapeOf(op.name)[1]) return false;
  const { rshift } = rsMul(absMax(slopes));
  const codes = Int8Array.from(slopes, (slope) => mulI8(slope, rshift));
  const type = { shape: context.shapeOf(slopeName), dtype: 'i8', spelling: 'i8' } as const;
  const slope = context.addWeight(op.name, 'slope_i8', type, codes);
  context.emitAs(op, 'tpu.PReluOp', [input, slope], { rshift }, context.codeType(op.name, op));
  return true;
}

/** The factor is attached for the chip's compiler; codes are only cut at zero. */
export function lowerRelu(context: LoweringContext, op: OpOf<'top.Relu'>): boolean {
  const input = context.quantizerOf(op.inputs[0]!, op).scale;
  const output = context.quantizerOf(op.name, op).scale;
  const rshift = Math.max(0, bm1684RightShiftByLog(1, input, output));
  const multiplier = int8Code(1, shiftedScale(rshift, input, output));
  const { reluLimit } = op.attributes;
  context.emitAs(op, 'tpu.Relu', op.inputs, { reluLimit, multiplier, rshift }, context.codeType(op.name, op));
  return true;
}
