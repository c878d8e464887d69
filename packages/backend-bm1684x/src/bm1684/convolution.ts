import { bm1684RightShift, type KnownOp, type OpOf } from '@q/ir';
import { type LoweringContext, tpuFormOf } from '@q/ir/lowering';
import { fitBias, int8Codes, magnitudeOf, shiftedScale } from './codes.ts';

/** Integer weights of a sum of products whose only requantization is a shift. */
interface ShiftedSum {
  readonly rshift: number;
  readonly inputs: readonly (string | null)[];
}

/** Strides that the processor's convolution cannot make. */
const LARGEST_STRIDE = 15;

/**
 * Filter and bias of `op` as codes of one scale: i8 for the whole filter, i16 biases at the scale of the shifted result.
 * `firstShift` is what the filter's magnitude asks for (numerics.md 8).
 */
function quantizeSum(context: LoweringContext, op: KnownOp, firstShift: number): ShiftedSum {
  const [input, filterName, biasName] = op.inputs as readonly [string, string, (string | null)?];
  const inputScale = context.quantizerOf(input, op).scale;
  const outputScale = context.quantizerOf(op.name, op).scale;
  const fitted = biasName == null ? undefined : fitBias(context.floats(biasName), firstShift, outputScale);
  const rshift = fitted?.rshift ?? firstShift;
  const codes = int8Codes(context.floats(filterName), shiftedScale(rshift, inputScale, outputScale));
  const filter = context.addWeight(
    op.name,
    'filter_int8',
    { shape: context.shapeOf(filterName), dtype: 'i8', spelling: 'i8' },
    codes,
  );
  if (fitted === undefined) return { rshift, inputs: [input, filter, null] };
  const type = { shape: context.shapeOf(biasName!), dtype: 'i16' } as const;
  return { rshift, inputs: [input, filter, context.addWeight(op.name, 'bias_int16', type, fitted.codes)] };
}

/** The shift that the magnitude of `filterName` asks for; may be −1. */
function shiftOf(context: LoweringContext, op: KnownOp, filterName: string): number {
  const inputScale = context.quantizerOf(op.inputs[0]!, op).scale;
  const outputScale = context.quantizerOf(op.name, op).scale;
  return bm1684RightShift(magnitudeOf(context.floats(filterName)), inputScale, outputScale);
}

function hasConstantParameters(context: LoweringContext, op: KnownOp): boolean {
  const [, filter, bias] = op.inputs;
  return context.isWeight(filter) && (bias == null || context.isWeight(bias));
}

/** Conv and Deconv: i8 weights and a shift per tensor. False: it runs in F32. */
export function lowerConvolution(context: LoweringContext, op: OpOf<'top.Conv'> | OpOf<'top.Deconv'>): boolean {
  if (!hasConstantParameters(context, op)) return false;
  if (op.type === 'top.Conv' && op.attributes.strides.some((stride) => stride > LARGEST_STRIDE)) return false;
  const firstShift = shiftOf(context, op, op.inputs[1]!);
  if (firstShift < 0) return false;
  const form = tpuFormOf(op);
  const { rshift, inputs } = quantizeSum(context, op, firstShift);
  const attributes = {
    ...form.attributes,
    quantMode: 'OnlyShift',
    rshift: [rshift],
    ...(op.type === 'top.Deconv' ? { multiplier: [1] } : {}),
  };
  context.emitAs(op, form.type, inputs, attributes, context.codeType(op.name, op));
  return true;
}

/**
 * A product with a constant matrix [K, N] whose left operand has all its rows in the first dimension. Any other product
 * runs in F32.
 */
export function lowerMatMul(context: LoweringContext, op: OpOf<'top.MatMul'>): boolean {
  if (!hasConstantParameters(context, op) || context.isWeight(op.inputs[0])) return false;
  const left = context.shapeOf(op.inputs[0]!);
  const right = context.shapeOf(op.inputs[1]!);
  const { leftTranspose, rightTranspose } = op.attributes;
  const K = leftTranspose ? left.at(-2)! : left.at(-1)!;
  const rows = left.reduce((product, length) => product * length, 1) / K;
  const isFullyConnected = right.length === 2 && left[0] === rows && right[0] === K && !leftTranspose;
  if (!isFullyConnected || (rightTranspose && right[0] !== right[1])) return false;
  const { rshift, inputs } = quantizeSum(context, op, Math.max(0, shiftOf(context, op, op.inputs[1]!)));
  const attributes = { ...tpuFormOf(op).attributes, rshifts: [rshift] };
  context.emitAs(op, 'tpu.MatMul', inputs, attributes, context.codeType(op.name, op));
  return true;
}
