import type { OpOf } from '@q/ir';
import { absMax, refuseOp, tpuFormOf } from '@q/ir/lowering';
import type { Cv18xxContext } from './context.ts';
import { biasCode, biasFactor, type ChannelScale, channelScale, filterFactor, weightCode } from './scales.ts';

/** INT8 product with constant weights: one multiplier per matrix (numerics.md 9.2). False: it runs in BF16. */
export function lowerMatMul(context: Cv18xxContext, op: OpOf<'top.MatMul'>): boolean {
  const [input, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (context.isWeight(input) || !context.isWeight(right)) return false;
  if (biasName != null && !context.isWeight(biasName)) return false;
  const shape = context.shapeOf(right);
  if (shape.slice(0, -2).some((length) => length !== 1)) refuseOp(op, 'a batch of weights', 'one matrix of weights');
  const thresholds = { input: context.thresholdOf(input, op), output: context.thresholdOf(op.name, op) };
  const weights = context.floats(right);
  const bias = biasName == null ? undefined : context.floats(biasName);
  const needed = Array.from(bias ?? [], (value) => biasFactor(value, thresholds.output));
  const factor = needed.reduce((a, b) => Math.max(a, b), filterFactor(absMax(weights), thresholds));
  const scale: ChannelScale = channelScale(factor, thresholds);
  const codes = Int8Array.from(weights, (weight) => weightCode(weight, scale.weightFactor));
  const inputs = [input, context.addWeight(op.name, 'filter_i8', { shape, dtype: 'i8' }, codes), null as string | null];
  if (bias !== undefined) {
    const biasCodes = Int32Array.from(bias, (value) => biasCode(value, scale.biasFactor));
    inputs[2] = context.addWeight(
      op.name,
      'bias_int32',
      { shape: context.shapeOf(biasName!), dtype: 'i32', spelling: 'si32' },
      biasCodes,
    );
  }
  const attributes = {
    ...tpuFormOf(op).attributes,
    quantMode: 'QDM',
    multipliers: [scale.multiplier],
    rshifts: [scale.rshift],
  };
  context.emitAs(op, 'tpu.MatMul', inputs, attributes, context.codeType(op.name, op));
  return true;
}

/** BF16 product: weights narrowed, the bias stays f32. */
export function lowerMatMulToBf16(context: Cv18xxContext, op: OpOf<'top.MatMul'>): void {
  const [left, right, bias = null] = op.inputs as readonly [string, string, (string | null)?];
  const form = tpuFormOf(op);
  const inputs = [
    context.bf16Operand(left),
    context.bf16Operand(right),
    context.isWeight(bias) ? context.keepWeight(bias) : bias,
  ];
  context.emitAs(op, form.type, inputs, form.attributes, context.bf16Type(op.name));
}
