import type { OpOf } from '@q/ir';
import { NonFinite, UnaryOp } from '@q/kernels-wasm';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../implementation.ts';
import { addressOf, nonFiniteError, nonFiniteIssue } from '../non-finite.ts';
import type { Slot, TensorSlot } from '../slot.ts';
import type { StorageDType } from '../storage.ts';
import { type BroadcastOperand, prepareBinary } from './broadcast.ts';
import { refuse } from './refuse.ts';
import { type Bounds, UNBOUNDED } from './relu-bounds.ts';

const ROUNDINGS: Readonly<Record<string, keyof typeof UnaryOp>> = {
  TowardsZero: 'trunc',
  HalfAwayFromZero: 'roundHalfAway',
  HalfToEven: 'round',
  Up: 'ceil',
  Down: 'floor',
};

/** Values stay float: a cast to an integer type drops the fraction, any other cast is the identity. */
const cast: OpImplementation<'top.Cast'> = {
  sharing: (op) => (isIntegerCast(op) ? { kind: 'inPlace', operands: [0] } : { kind: 'view', operand: 0 }),
  prepare(op, context) {
    if (!isIntegerCast(op)) return () => {};
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const rounding =
      ROUNDINGS[op.attributes.roundMode] ?? refuse(op, op.attributes.roundMode, Object.keys(ROUNDINGS).join(', '));
    const code = UnaryOp[rounding];
    const wrap = wrapOf(op.attributes.to);
    return () => {
      kernels.f32_unary(code, x.ptr, y.ptr, y.length, 0, 0);
      if (wrap !== undefined) wrapAll(y.f32(), wrap);
    };
  },
};

/** Size of a narrow integer type: what is beyond it wraps, as numpy's and C's conversions do. */
interface Wrap {
  readonly modulus: number;
  readonly isSigned: boolean;
}

function wrapOf(to: string): Wrap | undefined {
  const bits = Number(/\d+$/.exec(to)?.[0] ?? 0);
  const isSigned = !to.startsWith('U');
  // INT32 and INT64 stand for "whole number": float32 holds no more.
  return bits >= 64 || (bits === 32 && isSigned) || bits === 0 ? undefined : { modulus: 2 ** bits, isSigned };
}

function wrapAll(values: Float32Array, { modulus, isSigned }: Wrap): void {
  for (let i = 0; i < values.length; i++) {
    const rest = values[i]! % modulus;
    const positive = rest < 0 ? rest + modulus : rest;
    values[i] = isSigned && positive >= modulus / 2 ? positive - modulus : positive;
  }
}

function isIntegerCast(op: OpOf<'top.Cast'>): boolean {
  return /^U?INT/.test(op.attributes.to);
}

const CODES: Readonly<Partial<Record<StorageDType, Bounds>>> = {
  i8: { lo: -128, hi: 127 },
  u8: { lo: 0, hi: 255 },
  i16: { lo: -32768, hi: 32767 },
  i32: UNBOUNDED,
};

/**
 * q = clamp(round_half_even(f32(x / scale)) + zeroPoint). The codes are those of the result's element type; a float result
 * (TPU-MLIR's Top graphs keep everything as f32) holds int8 codes, or uint8 ones when a zero point needs them.
 */
const quantizeLinear: OpImplementation<'top.QuantizeLinear'> = {
  sharing: (_op, { inputs, outputs }) =>
    inputs[0]?.dtype === outputs[0]?.dtype ? { kind: 'inPlace', operands: [0] } : { kind: 'fresh' },
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { yScale, yZeroPoint, axis } = op.attributes;
    if ((y.dtype === 'i8' || y.dtype === 'u8') && yScale.length === 1 && yZeroPoint.length === 1) {
      return prepareBytes(op, context, Math.fround(yScale[0]!), yZeroPoint[0]!);
    }
    const work: Slot = y.dtype === 'f32' ? y : context.scratch(4 * x.length);
    const from = { slot: x, shape: x.shape };
    const to = { slot: work, shape: x.shape };
    const scale = perAxis(op, context, { values: yScale, shape: x.shape, axis });
    const zero = perAxis(op, context, { values: yZeroPoint, shape: x.shape, axis });
    const divide = prepareBinary(context, { operation: 'div', a: from, b: scale, y: work });
    const shift = prepareBinary(context, {
      operation: 'add',
      a: to,
      b: zero,
      y: work,
      bounds: codeBounds(y, yZeroPoint),
    });
    const store = storeCodes(context, op, work);
    return () => {
      divide();
      kernels.f32_unary(UnaryOp.round, work.ptr, work.ptr, x.length, 0, 0);
      shift();
      store();
    };
  },
};

/** One scale for all, codes of a byte: one pass. */
function prepareBytes(op: OpOf<'top.QuantizeLinear'>, context: PrepareContext, scale: number, zero: number): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const { lo, hi } = CODES[y.dtype]!;
  return () => {
    // An infinity saturates; a NaN has no code.
    if (kernels.f32_quantize_linear(x.ptr, y.ptr, y.length, scale, zero, lo, hi) === 0) return;
    const bad = x.f32().findIndex((value) => Number.isNaN(value / scale));
    throw nanError(op, x, bad);
  };
}

function codeBounds(y: TensorSlot, zeroPoints: readonly number[]): Bounds {
  if (y.dtype !== 'f32') return CODES[y.dtype]!;
  return zeroPoints.some((zero) => zero > 127) ? CODES.u8! : CODES.i8!;
}

/** Narrows whole-number floats to the codes' type with the engine's own array conversion. */
function storeCodes(context: PrepareContext, op: OpOf<'top.QuantizeLinear'>, work: Slot): RunOp {
  const [x, y] = [context.input(0), context.output()];
  if (y.dtype === 'f32') return () => {};
  const { kernels, memory } = context;
  const extremes = context.scratch(8);
  let codes: Float32Array | undefined;
  return () => {
    // An infinity saturates; a NaN has no code, and an array conversion would make it 0.
    if ((kernels.stats_minmax(work.ptr, x.length, extremes.ptr) & NonFinite.nan) !== 0) rejectNaN(op, x, work, memory);
    if (codes?.buffer !== memory.buffer || codes.byteOffset !== work.ptr) {
      codes = new Float32Array(memory.buffer, work.ptr, x.length);
    }
    y.view().set(codes);
  };
}

function rejectNaN(op: OpOf<'top.QuantizeLinear'>, x: TensorSlot, work: Slot, memory: WebAssembly.Memory): never {
  throw nanError(op, x, new Float32Array(memory.buffer, work.ptr, x.length).findIndex(Number.isNaN));
}

function nanError(op: OpOf<'top.QuantizeLinear'>, x: TensorSlot, index: number): Error {
  const { sample, channel } = addressOf(index, x.shape);
  const issue = nonFiniteIssue('runtime.value.non-finite', x, index, op);
  return nonFiniteError({ ...issue, found: `NaN at element ${index} (sample ${sample}, channel ${channel ?? 0})` });
}

/** x = f32(f32(q − zeroPoint) · scale). */
const dequantizeLinear: OpImplementation<'top.DequantizeLinear'> = {
  sharing: (_op, { inputs, outputs }) =>
    inputs[0]?.dtype === outputs[0]?.dtype ? { kind: 'inPlace', operands: [0] } : { kind: 'fresh' },
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const { xScale, xZeroPoint, axis } = op.attributes;
    if ((x.dtype === 'i8' || x.dtype === 'u8') && xScale.length === 1 && xZeroPoint.length === 1) {
      return prepareTable(context, Math.fround(xScale[0]!), xZeroPoint[0]!);
    }
    const isFloat = x.dtype === 'f32';
    const codes: BroadcastOperand = { slot: isFloat ? x : y, shape: x.shape };
    const zero = perAxis(op, context, { values: xZeroPoint, shape: x.shape, axis });
    const scale = perAxis(op, context, { values: xScale, shape: x.shape, axis });
    const shift = prepareBinary(context, { operation: 'sub', a: codes, b: zero, y });
    const multiply = prepareBinary(context, { operation: 'mul', a: { slot: y, shape: x.shape }, b: scale, y });
    return () => {
      if (!isFloat) y.f32().set(x.view());
      shift();
      multiply();
    };
  },
};

/** Codes of a byte under one scale: 256 floats, looked up. */
function prepareTable(context: PrepareContext, scale: number, zero: number): RunOp {
  const { kernels } = context;
  const [x, y] = [context.input(0), context.output()];
  const real = (byte: number): number => Math.fround(((x.dtype === 'i8' ? (byte << 24) >> 24 : byte) - zero) * scale);
  const table = context.place(Float32Array.from({ length: 256 }, (_, byte) => real(byte)));
  return () => kernels.lut_x8_x32(x.ptr, table.ptr, y.ptr, y.length);
}

interface AxisValues {
  readonly values: readonly number[];
  readonly shape: readonly number[];
  readonly axis: number;
}

/** One number for all, or one per index of `axis`, shaped to broadcast against the tensor. */
function perAxis(
  op: { readonly type: string; readonly name: string },
  context: PrepareContext,
  { values, shape, axis }: AxisValues,
): BroadcastOperand {
  const slot = context.place(Float32Array.from(values));
  if (values.length === 1) return { slot, shape: [1] };
  const at = axis < 0 ? axis + shape.length : axis;
  if (values.length !== shape[at]) refuse(op, `${values.length} scales along axis ${axis}`, `1, or ${shape[at]}`);
  return { slot, shape: shape.map((dim, index) => (index === at ? dim : 1)) };
}

export const castingImplementations: Implementations = {
  'top.Cast': cast,
  'top.QuantizeLinear': quantizeLinear,
  'top.DequantizeLinear': dequantizeLinear,
};
