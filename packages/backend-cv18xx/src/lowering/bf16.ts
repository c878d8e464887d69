import { cvBf16Bits, type KnownOp, type OpOf, type TensorType } from '@q/ir';
import { refuseOp, tpuFormOf } from '@q/ir/lowering';
import { lowerLayerNorm, lowerSoftmax, lowerToBf16Tables } from './bf16-functions.ts';
import type { Cv18xxContext } from './context.ts';
import { lowerConvolutionToBf16 } from './convolution.ts';
import { lowerConcatToBf16, lowerReduceToBf16 } from './layout.ts';
import { lowerMatMulToBf16 } from './mat-mul.ts';

/** Same operator, bfloat16 operands and result. */
function lowerPlainly(context: Cv18xxContext, op: KnownOp): void {
  const form = tpuFormOf(op);
  const inputs = form.inputs.map((name) => (name === null ? null : context.bf16Operand(name)));
  context.emitAs(op, form.type, inputs, form.attributes, context.bf16Type(op.name));
}

/** clamp(αx + β, 0, 1) as a 1×1 depthwise convolution and a Clip; the Clip is called `name`. */
function emitHardSigmoid(
  context: Cv18xxContext,
  op: KnownOp,
  { alpha, beta, name }: { readonly alpha: number; readonly beta: number; readonly name: string },
): void {
  const input = op.inputs[0]!;
  const shape = context.shapeOf(input);
  const channels = shape[1];
  if (channels === undefined || shape.length > 4) refuseOp(op, `${shape.length} dimensions`, 'two to four');
  const scaled = `${op.name}_scale`;
  const type: TensorType = { shape, dtype: 'bf16' };
  const filter = new Uint16Array(channels).fill(cvBf16Bits(Math.fround(alpha)));
  const inputs = [
    input,
    context.addWeight(scaled, 'filter_bf16', { shape: [channels, 1, 1, 1], dtype: 'bf16' }, filter),
    context.addWeight(scaled, 'bias', { shape: [channels], dtype: 'f32' }, new Float32Array(channels).fill(beta)),
  ];
  const attributes = { kernelShape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], group: channels, withBias: true };
  context.emitAs({ ...op, name: scaled, outputs: [scaled] }, 'tpu.Conv2D', inputs, attributes, type);
  const clip = name === op.name ? context.bf16Type(name) : type;
  context.emitAs({ ...op, name, outputs: [name] }, 'tpu.Clip', [scaled], { min: 0, max: 1 }, clip);
}

/** x · clamp(x/6 + 1/2, 0, 1) (numerics.md 10). */
function lowerHardSwish(context: Cv18xxContext, op: OpOf<'top.HardSwish'>): void {
  const name = `${op.name}_clip`;
  emitHardSigmoid(context, op, { alpha: 1 / 6, beta: 0.5, name });
  context.emitAs(op, 'tpu.Mul', [op.inputs[0]!, name], { doRelu: false }, context.bf16Type(op.name));
}

function lowerReluToBf16(context: Cv18xxContext, op: OpOf<'top.Relu'>): void {
  const { reluLimit } = op.attributes;
  if (reluLimit <= 0) lowerPlainly(context, op);
  else context.emitAs(op, 'tpu.Clip', op.inputs, { min: 0, max: reluLimit }, context.bf16Type(op.name));
}

/** MaxConst and MinConst compare with a tensor of the constant. */
function lowerExtremumConstToBf16(context: Cv18xxContext, op: OpOf<'top.MaxConst'> | OpOf<'top.MinConst'>): void {
  const shape = context.shapeOf(op.inputs[0]!);
  const [type, suffix] = op.type === 'top.MaxConst' ? (['tpu.Max', 'max'] as const) : (['tpu.Min', 'min'] as const);
  const count = shape.reduce((product, length) => product * length, 1);
  const bits = new Uint16Array(count).fill(cvBf16Bits(Math.fround(op.attributes.constVal)));
  const constant = context.addWeight(op.name, `const_${suffix}_bf16`, { shape, dtype: 'bf16' }, bits);
  context.emitAs(op, type, [op.inputs[0]!, constant], {}, context.bf16Type(op.name));
}

/** Operators whose BF16 form is the float operator on bfloat16 values. */
export const PLAIN_BF16: ReadonlySet<string> = new Set(
  [
    ...['Add', 'Sub', 'Mul', 'Max', 'Min', 'Pad', 'AvgPool', 'MaxPool', 'LeakyRelu', 'PRelu', 'Clip', 'Abs'],
    ...['Floor', 'Permute', 'Reshape', 'Slice', 'Tile', 'Depth2Space', 'ShuffleChannel', 'SwapChannel', 'Upsample'],
  ].map((name) => `top.${name}`),
);

/** Operators that need more than narrowed operands. */
function lowerSpecially(context: Cv18xxContext, op: KnownOp): boolean {
  if (op.type === 'top.Conv' || op.type === 'top.Deconv') lowerConvolutionToBf16(context, op);
  else if (op.type === 'top.MatMul') lowerMatMulToBf16(context, op);
  else if (op.type === 'top.Softmax') lowerSoftmax(context, op);
  else if (op.type === 'top.LayerNorm') lowerLayerNorm(context, op);
  else if (op.type === 'top.Reduce') lowerReduceToBf16(context, op);
  else if (op.type === 'top.Concat') lowerConcatToBf16(context, op);
  else if (op.type === 'top.Relu') lowerReluToBf16(context, op);
  else if (op.type === 'top.HardSwish') lowerHardSwish(context, op);
  else if (op.type === 'top.HardSigmoid') emitHardSigmoid(context, op, { ...op.attributes, name: op.name });
  else if (op.type === 'top.MaxConst' || op.type === 'top.MinConst') lowerExtremumConstToBf16(context, op);
  else return false;
  return true;
}

/** Emits the BF16 form of `op`, or refuses it by name. */
export function lowerToBf16(context: Cv18xxContext, op: KnownOp): void {
  if (PLAIN_BF16.has(op.type)) lowerPlainly(context, op);
  else if (!lowerSpecially(context, op) && !lowerToBf16Tables(context, op)) {
    refuseOp(op, 'no definition for this operator on CV18xx', 'an operator of the documented list');
  }
}
