import { type OpOf, rsMulQdm, saturateF32 } from '@q/ir';
import { absMax, type LoweringContext, refuseOp, tpuFormOf } from '@q/ir/lowering';

const f = Math.fround;

/** Thresholds on both sides of an operator: real = code · threshold / 127. */
export interface Thresholds {
  readonly input: number;
  readonly output: number;
}

/** Factor that the products of codes need, at full 8-bit weights (numerics.md 9.1). Computed in f32. */
export function filterFactor(weightMax: number, { input, output }: Thresholds): number {
  return f(f(f(weightMax) * f(input)) / f(127 * f(output)));
}

/** Smallest factor at which a bias still fits 31 bits. */
export function biasFactor(bias: number, output: number): number {
  return f(f(Math.abs(bias)) * 127) / (2147483647 * 0.998 * f(output));
}

/** Multiplier, shift, and what weights and biases are multiplied by to become codes under them. */
export interface ChannelScale {
  readonly multiplier: number;
  readonly rshift: number;
  readonly weightFactor: number;
  readonly biasFactor: number;
}

export function channelScale(factor: number, { input, output }: Thresholds): ChannelScale {
  const { multiplier, rshift } = rsMulQdm(factor);
  const codesPer = (unit: number): number => (multiplier === 0 ? 0 : f((unit * 2 ** (rshift + 31)) / multiplier));
  return {
    multiplier,
    rshift,
    weightFactor: codesPer(f(f(input) / f(output))),
    biasFactor: codesPer(f(127 / f(output))),
  };
}

/** Codes round half to even of an f32 product, unlike on the BM chips. */
export function weightCode(weight: number, factor: number): number {
  return saturateF32(f(weight * factor), 'i8', 'HalfToEven');
}

export function biasCode(bias: number, factor: number): number {
  return Math.min(saturateF32(f(bias * factor), 'i32', 'HalfToEven'), 2 ** 31 - 1);
}

/** Thresholds of an operator's operand and result. */
export function thresholdsOf(
  context: LoweringContext,
  input: string,
  op: OpOf<'top.Conv'> | OpOf<'top.MatMul'>,
): Thresholds {
  context.quantizerOf(input, op);
  context.quantizerOf(op.name, op);
  return { input: context.rangeOf(input)!.max, output: context.rangeOf(op.name)!.max };
}

/** The factor of one channel: below 1, and large enough for its bias. */
export function guardedFactor(weightMax: number, bias: number | undefined, thresholds: Thresholds): number {
  const factor = Math.min(filterFactor(weightMax, thresholds), 0.999999);
  const needed = bias === undefined ? 0 : biasFactor(bias, thresholds.output);
  return factor < needed && needed < 1 ? needed : factor;
}

/** INT8 convolution: a 31-bit multiplier per output channel, a bias of up to 31 bits. */
export function lowerConv(context: LoweringContext, op: OpOf<'top.Conv'>): void {
  const [input, filterName, biasName] = op.inputs as readonly [string, string, (string | null)?];
  if (!context.isWeight(filterName)) refuseOp(op, 'a computed filter, which runs in BF16', 'a constant filter');
  if (op.attributes.kernelShape.length > 2)
    refuseOp(op, 'a 3-D convolution, which runs in BF16', 'one or two dimensions');
  const thresholds = thresholdsOf(context, input, op);
  const filter = context.floats(filterName);
  const bias = biasName == null ? undefined : context.floats(biasName);
  const oc = context.shapeOf(filterName)[0]!;
  const inner = filter.length / oc;
  const channels = Array.from({ length: oc }, (_, channel) => {
    const weightMax = absMax(filter, channel * inner, (channel + 1) * inner);
    return channelScale(guardedFactor(weightMax, bias?.[channel], thresholds), thresholds);
  });
  const codes = Int8Array.from(filter, (weight, at) =>
    weightCode(weight, channels[Math.floor(at / inner)]!.weightFactor),
  );
  const shape = context.shapeOf(op.name).map((_, axis) => (axis === 1 ? oc : 1));
  const inputs = [
    input,
    context.addWeight(op.name, 'filter_i8', { shape: context.shapeOf(filterName), dtype: 'i8' }, codes),
    bias === undefined
      ? null
      : context.addWeight(
          op.name,
          'bias_int32',
          { shape, dtype: 'i32' },
          Int32Array.from(bias, (value, channel) => biasCode(value, channels[channel]!.biasFactor)),
        ),
  ];
  const attributes = {
    ...tpuFormOf(op).attributes,
    quantMode: 'QDM',
    multiplier: channels.map(({ multiplier }) => multiplier),
    rshift: channels.map(({ rshift }) => rshift),
  };
  context.emitAs(op, 'tpu.Conv2D', inputs, attributes, context.codeType(op.name, op));
}
