import { functionTable, type KnownOp, type OpOf, rsMul, toInt } from '@q/ir';
import { absMax, refuseOp } from '@q/ir/lowering';
import type { Cv18xxContext } from './context.ts';
import { codeFunctionOf } from './functions.ts';
import { rescale } from './scales.ts';

const f = Math.fround;

/** A function of one operand as a table of 256 codes (numerics.md 9.3). False: it has none, or runs in BF16. */
export function lowerToTable(context: Cv18xxContext, op: KnownOp): boolean {
  const input = op.inputs[0]!;
  if (op.type === 'top.Reciprocal' && context.isUncalibrated(op.name)) return false;
  const fn = codeFunctionOf(op, context.thresholdOf(op.name, op));
  if (fn === undefined) return false;
  const codes = functionTable(fn, context.quantizerOf(input, op), context.quantizerOf(op.name, op));
  const table = context.addWeight(op.name, 'table', { shape: [1, 1, 1, 256], dtype: 'i8' }, codes);
  context.emitAs(op, 'tpu.Lut', [input, table], {}, context.codeType(op.name, op));
  return true;
}

/** Pair of the non-negative side of a leaky function: identity when both sides share their threshold. */
function positiveSide(input: number, output: number) {
  return rescale(input, output, 1e-5 * Math.min(input, output));
}

/** LeakyRelu: a pair for each sign (numerics.md 9.3). */
export function lowerLeakyRelu(context: Cv18xxContext, op: OpOf<'top.LeakyRelu'>): boolean {
  const [input, output] = [context.thresholdOf(op.inputs[0]!, op), context.thresholdOf(op.name, op)];
  const { alpha } = op.attributes;
  const positive = positiveSide(input, output);
  const negative = rsMul(f(Math.abs((input / output) * alpha)));
  const attributes = {
    alpha,
    ...positive,
    multiplierNeg: alpha < 0 ? 0 - negative.multiplier : negative.multiplier,
    rshiftNeg: negative.rshift,
  };
  context.emitAs(op, 'tpu.LeakyRelu', [op.inputs[0]!], attributes, context.codeType(op.name, op));
  return true;
}

/** PRelu: the slopes share one shift. */
export function lowerPRelu(context: Cv18xxContext, op: OpOf<'top.PRelu'>): boolean {
  const [name, slopeName] = [op.inputs[0]!, op.inputs[1]!];
  if (!context.isWeight(slopeName)) refuseOp(op, 'computed slopes', 'constant slopes');
  const [input, output] = [context.thresholdOf(name, op), context.thresholdOf(op.name, op)];
  const slopes = context.floats(slopeName);
  const factor = input / output;
  const { rshift } = rsMul(absMax(slopes.map((slope) => slope)) * factor);
  const unit = f(f(factor) * 2 ** rshift);
  const codes = Int8Array.from(slopes, (slope) => Math.min(Math.max(Math.floor(f(slope * unit) + 0.5), -128), 127));
  const slope = context.addWeight(
    op.name,
    'slope_i8',
    { shape: context.shapeOf(slopeName), dtype: 'i8', spelling: 'i8' },
    codes,
  );
  const positive = positiveSide(input, output);
  const attributes = { rshift, rshiftPos: positive.rshift, multiplierPos: positive.multiplier };
  context.emitAs(op, 'tpu.PReluOp', [name, slope], attributes, context.codeType(op.name, op));
  return true;
}

/** The padding value as a code of the operand, half up (numerics.md 9.3). */
export function padCode(value: number, scale: number): number {
  return Math.min(Math.max(toInt(value / scale, 'HalfUp'), -128), 127);
}
