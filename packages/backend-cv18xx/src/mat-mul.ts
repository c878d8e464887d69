import type { OpOf } from '@q/ir';
import { absMax, type LoweringContext, refuseOp, tpuFormOf } from '@q/ir/lowering';
import { biasCode, biasFactor, channelScale, filterFactor, thresholdsOf, weightCode } from './convolution.ts';

/** INT8 product with constant weights: one multiplier for the whole matrix (numerics.md 9.2). */
export function lowerMatMul(context: LoweringContext, op: OpOf<'top.MatMul'>): void {
  const [input, right, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (context.isWeight(input) || !context.isWeight(right)) {
    refuseOp(op, 'a product of activations, which runs in BF16', 'a constant right operand');
  }
  if (context.shapeOf(right).length !== 2) refuseOp(op, 'a batch of weights', 'one matrix of weights');
  const thresholds = thresholdsOf(context, input, op);
  const weights = context.floats(right);
  const bias = biasName == null ? undefined : context.floats(biasName);
  const needed = Array.from(bias ?? [], (value) => biasFactor(value, thresholds.output));
  const scale = channelScale(Math.max(filterFactor(absMax(weights), thresholds), ...needed), thresholds);
  const rank = context.shapeOf(input).length;
  const inputs = [
    input,
    context.addWeight(
      op.name,
      'filter_i8',
      { shape: context.shapeOf(right), dtype: 'i8' },
      Int8Array.from(weights, (weight) => weightCode(weight, scale.weightFactor)),
    ),
    bias === undefined
      ? null
      : context.addWeight(
          op.name,
          'bias_int32',
          { shape: Array.from({ length: rank }, (_, axis) => (axis === rank - 1 ? bias.length : 1)), dtype: 'i32' },
          Int32Array.from(bias, (value) => biasCode(value, scale.biasFactor)),
        ),
  ];
  const attributes = {
    ...tpuFormOf(op).attributes,
    quantMode: 'QDM',
    multipliers: [scale.multiplier],
    rshifts: [scale.rshift],
  };
  context.emitAs(op, 'tpu.MatMul', inputs, attributes, context.codeType(op.name, op));
}
