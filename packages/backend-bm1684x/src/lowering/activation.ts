import { functionTable, getScaleAndShift, type KnownOp, mulI8, type OpOf, rsMul, scalarFunctionOf } from '@q/ir';
import { absMax } from '@q/ir/lowering';
import type { Bm168xContext } from './context.ts';

/**
 * A function of one operand as a table of 256 codes (numerics.md 7.6). With zero points, upstream builds all tables but
 * those of SiLU and GELU for the result's *symmetric* parameters, and then declares the asymmetric ones.
 */
export function lowerToTable(context: Bm168xContext, op: KnownOp): boolean {
  const f = scalarFunctionOf(op);
  if (f === undefined) return false;
  const followsType = op.type === 'top.SiLU' || op.type === 'top.GELU';
  const asymmetric = context.asymmetric || (followsType && context.isAsymmetricOp(op));
  const output = context.quantizerOf(op.name, op, followsType && asymmetric);
  const codes = functionTable(f, context.quantizerOf(op.inputs[0]!, op), output);
  const table = context.addWeight(
    op.name,
    'table',
    { shape: [1, 1, 1, 256], dtype: output.signed ? 'i8' : 'u8' },
    codes,
  );
  const type = context.codeType(op.name, op, asymmetric);
  const declared = context.quantizerOf(op.name, op, asymmetric);
  if (declared.zeroPoint !== output.zeroPoint || declared.scale !== output.scale)
    context.mismatchedTables.push(op.name);
  context.emitAs(op, 'tpu.Lut', [op.inputs[0]!, table], {}, type);
  return true;
}

/** Input and result share a scale; with zero points it runs in float. */
export function lowerLeakyRelu(context: Bm168xContext, op: OpOf<'top.LeakyRelu'>): boolean {
  if (context.asymmetric) return false;
  const { multiplier, rshift } = getScaleAndShift(op.attributes.alpha, 8);
  const attributes = { alpha: op.attributes.alpha, multiplier, rshift };
  context.emitAs(op, 'tpu.LeakyRelu', op.inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** All slopes share one shift. */
export function lowerPRelu(context: Bm168xContext, op: OpOf<'top.PRelu'>): boolean {
  const slopeName = op.inputs[1]!;
  if (context.asymmetric || !context.isWeight(slopeName)) return false;
  const slopes = context.floats(slopeName);
  const { rshift } = rsMul(absMax(slopes));
  const codes = Int8Array.from(slopes, (slope) => mulI8(slope, rshift));
  const slope = context.addWeight(op.name, 'slope_i8', { shape: context.shapeOf(slopeName), dtype: 'i8' }, codes);
  context.emitAs(op, 'tpu.PReluOp', [op.inputs[0]!, slope], { rshift }, context.codeType(op.name, op));
  return true;
}

/** INT8 softmax exists for axis 1 of at most four dimensions, not for log-softmax (numerics.md 7.7). */
export function lowerSoftmax(context: Bm168xContext, op: OpOf<'top.Softmax'>): boolean {
  const { axis, log, beta } = op.attributes;
  if (axis !== 1 || log || context.shapeOf(op.inputs[0]!).length > 4) return false;
  const { scale } = context.quantizerOf(op.inputs[0]!, op);
  const powers = Float32Array.from({ length: 256 }, (_, distance) => Math.exp(-scale * distance * beta));
  const table = context.addWeight(op.name, 'table', { shape: [1, 1, 1, 256], dtype: 'f32' }, powers);
  context.emitAs(op, 'tpu.Softmax', [op.inputs[0]!, table], op.attributes, context.codeType(op.name, op));
  return true;
}
