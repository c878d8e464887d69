import { type OpOf, roundToBf16, roundToCvBf16, roundToF16, toInt, type Uniform } from '@q/ir';
import {
  applyRequant,
  CastFloat,
  type CastFloatName,
  CastRounding,
  type CastRoundingName,
  loweredDequantize,
  type RequantMode,
  type ShiftRounding,
} from '@q/kernels-wasm';
import { refuse } from '../float/refuse.ts';
import {
  FRESH,
  type Implementations,
  type OpImplementation,
  type PrepareContext,
  type RunOp,
} from '../implementation.ts';
import { aroundAxis } from '../shapes.ts';
import type { TensorSlot } from '../slot.ts';
import { byteTable, mapCodes } from './code-table.ts';
import { codesIn, flag, floatIn, holdsCodes, isByte } from './codes.ts';

const isCv18xx = (chip: string): boolean => chip.startsWith('cv18') && chip !== 'cv186x';

/** Types of 16-bit casts between which nothing is rounded: the source is as narrow as the target. */
const WIDENINGS: ReadonlySet<string> = new Set([
  'f16 f32',
  'bf16 f32',
  'f16 bf16',
  'bf16 f16',
  'f32 f32',
  'f16 f16',
  'bf16 bf16',
]);

const uniformOf = (slot: TensorSlot): Uniform | undefined =>
  slot.type.quantization?.kind === 'uniform' ? slot.type.quantization : undefined;

/** How the expressed type of codes rounds 1/S and the product with it. */
const NARROWINGS: Readonly<Record<Uniform['expressed'], (value: number) => number>> = {
  f32: Math.fround,
  f16: roundToF16,
  bf16: roundToBf16,
};

/** float → codes of a BM chip (numerics.md 6.2): the expressed type decides how 1/S and the product are rounded. */
function prepareQuantize(context: PrepareContext, x: TensorSlot, y: TensorSlot, uniform: Uniform): RunOp {
  const { kernels } = context;
  const { zero, lo, hi, dtype } = codesIn(y);
  const narrow = NARROWINGS[uniform.expressed];
  const inverse = narrow(1 / uniform.scale);
  if (uniform.expressed !== 'bf16' && (dtype === 'i8' || dtype === 'u8')) {
    const half = uniform.expressed === 'f16' ? 1 : 0;
    return () => kernels.f32_to_q8(x.ptr, y.ptr, y.length, inverse, half, zero, lo, hi);
  }
  // A bfloat16 operand is rounded on its way in.
  const read = CastFloat[x.type.dtype === 'bf16' ? 'bf16' : 'f32'];
  const product = CastFloat[uniform.expressed];
  const [bytes, { halfAway }] = [y.byteLength / y.length, CastRounding];
  return () => kernels.lowered_quantize(x.ptr, y.ptr, bytes, y.length, inverse, read, product, halfAway, zero, lo, hi);
}

/** float → i8 of a CV18xx: truncated operand, bfloat16 product, half to even. */
function prepareQuantizeCv18xx(context: PrepareContext, x: TensorSlot, y: TensorSlot, uniform: Uniform): RunOp {
  const { kernels } = context;
  if (y.dtype !== 'i8') refuse({ type: 'tpu.Cast', name: y.name }, `codes of ${y.dtype}`, 'i8');
  const inverse = roundToCvBf16(Math.fround(1 / uniform.scale));
  return () => kernels.cv_quantize(x.ptr, y.ptr, y.length, inverse);
}

interface Dequantizer {
  /** Scale of a code, in the type of the cast's result. */
  readonly factor: number;
  readonly zero: number;
  /** Type in which the product is taken. */
  readonly float: CastFloatName;
}

/** How the float that a code stands for is computed. */
function dequantizerOf(dtype: string, { scale, zeroPoint: zero }: Uniform, chip: string): Dequantizer {
  if (isCv18xx(chip)) return { factor: roundToCvBf16(scale), zero, float: 'cv18xx' };
  if (dtype === 'f16' || dtype === 'bf16') return { factor: NARROWINGS[dtype](scale), zero, float: dtype };
  return { factor: Math.fround(scale), zero, float: 'f32' };
}

function prepareDequantize(context: PrepareContext, x: TensorSlot, y: TensorSlot, uniform: Uniform): RunOp {
  const { kernels } = context;
  const { factor, zero, float } = dequantizerOf(y.type.dtype, uniform, context.chip);
  if (!isByte(x)) {
    const [bytes, code] = [x.byteLength / x.length, CastFloat[float]];
    return () => kernels.lowered_dequantize(x.ptr, bytes, y.ptr, y.length, factor, zero, code);
  }
  const real = (code: number): number => loweredDequantize(code, factor, zero, float);
  const table = context.place(Float32Array.from(byteTable(x.dtype === 'i8', real)));
  return () => kernels.lut_x8_x32(x.ptr, table.ptr, y.ptr, y.length);
}

/** float → float: rounds only where the target is narrower. */
function prepareFloatCast(context: PrepareContext, x: TensorSlot, y: TensorSlot): RunOp {
  const { kernels } = context;
  const pair = `${x.type.dtype} ${y.type.dtype}`;
  if (WIDENINGS.has(pair)) return () => void y.f32().set(x.f32());
  if (pair === 'f32 f16') return () => kernels.f16_round(x.ptr, y.ptr, y.length);
  if (pair === 'f32 bf16' && !isCv18xx(context.chip)) return () => kernels.bf16_round(x.ptr, y.ptr, y.length);
  if (pair === 'f32 bf16') {
    return () => kernels.cv_bf16_truncate(x.ptr, y.ptr, y.length);
  }
  return refuse({ type: 'tpu.Cast', name: y.name }, pair, 'a cast between float types and codes');
}

const ROUNDINGS: Readonly<Record<string, CastRoundingName>> = {
  HalfAwayFromZero: 'halfAway',
  HalfUp: 'halfUp',
  HalfDown: 'halfDown',
  HalfToEven: 'halfEven',
  TowardsZero: 'towardsZero',
  Up: 'up',
  Down: 'down',
};

/** float → integers without scale: the operator's round mode, clamped except for i32, where values wrap. */
function prepareToInteger(op: OpOf<'tpu.Cast'>, context: PrepareContext, x: TensorSlot, y: TensorSlot): RunOp {
  const { kernels } = context;
  const codes = codesIn(y);
  const [lo, hi] = codes.dtype === 'i32' ? [-(2 ** 63), 2 ** 63] : [codes.lo, codes.hi];
  const { roundMode } = op.attributes;
  const rounding = CastRounding[ROUNDINGS[roundMode] ?? refuse(op, roundMode, Object.keys(ROUNDINGS).join(', '))];
  const [bytes, { f32 }] = [y.byteLength / y.length, CastFloat];
  return () => kernels.lowered_quantize(x.ptr, y.ptr, bytes, y.length, 1, f32, f32, rounding, 0, lo, hi);
}

const cast: OpImplementation<'tpu.Cast'> = {
  sharing(_op, { inputs, outputs }) {
    const pair = `${inputs[0]?.dtype} ${outputs[0]?.dtype}`;
    return WIDENINGS.has(pair) ? { kind: 'view', operand: 0 } : FRESH;
  },
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const [from, to] = [uniformOf(x), uniformOf(y)];
    // Upstream copies codes into a narrower type without looking at them.
    if (holdsCodes(x.type.dtype) && holdsCodes(y.type.dtype)) return () => void y.view().set(x.view());
    if (!holdsCodes(x.type.dtype)) floatIn(x);
    if (to !== undefined) {
      return isCv18xx(context.chip) ? prepareQuantizeCv18xx(context, x, y, to) : prepareQuantize(context, x, y, to);
    }
    if (holdsCodes(y.type.dtype)) return prepareToInteger(op, context, x, y);
    if (holdsCodes(x.type.dtype)) {
      const plain: Uniform = { kind: 'uniform', expressed: 'f32', scale: 1, zeroPoint: 0 };
      return prepareDequantize(context, x, y, from ?? plain);
    }
    // A widening shares its operand's memory.
    return WIDENINGS.has(`${x.type.dtype} ${y.type.dtype}`) ? () => {} : prepareFloatCast(context, x, y);
  },
};

/** The CPU operator `quant` that quantizes inputs of CV18xx networks: f32 product with f32(1/S), half away. */
const genericCpu: OpImplementation<'tpu.GenericCpu'> = {
  prepare(op, context) {
    if (op.attributes.cpuOpName !== 'quant') refuse(op, `the CPU operator ${op.attributes.cpuOpName}`, 'quant');
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { scale, lo, hi } = codesIn(y);
    const inverse = Math.fround(1 / Math.fround(scale));
    return () => kernels.f32_to_q8(x.ptr, y.ptr, y.length, inverse, 0, 0, lo, hi);
  },
};

const requantInt: OpImplementation<'tpu.RequantInt'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const [from, to] = [codesIn(x), codesIn(y)];
    // The interpreter returns early for vectors.
    if (x.shape.length === 1) return () => void y.view().set(x.view());
    const { multiplier, rshift } = op.attributes;
    const mode = op.attributes.quantMode as RequantMode;
    const rounding = op.attributes.roundMode as ShiftRounding;
    const requant = { multiplier, rshift: mode === 'MultiplierShift' ? rshift : -rshift, mode, rounding };
    if (x.dtype === 'i32' && from.zero === 0 && mode === 'MultiplierShift' && KERNEL_ROUNDINGS.has(rounding)) {
      const { kernels } = context;
      const [bytes, away] = [y.byteLength / y.length, flag(rounding === 'HalfAwayFromZero')];
      return () => kernels.requant_x32(x.ptr, y.ptr, bytes, y.length, multiplier, rshift, away, to.zero, to.lo, to.hi);
    }
    return mapCodes(context, (code) => {
      const value = applyRequant(code - from.zero, requant) + to.zero;
      return Math.min(Math.max(value, to.lo), to.hi);
    });
  },
};

/** Roundings that `requant_x32` does. */
const KERNEL_ROUNDINGS: ReadonlySet<ShiftRounding> = new Set(['HalfUp', 'HalfAwayFromZero']);

/** Parameters per channel: three columns, or two with the shift in the low and the zero point in the high half. */
const requantIntAxis: OpImplementation<'tpu.RequantIntAxis'> = {
  prepare(op, context) {
    const [x, y] = [context.input(0), context.output()];
    const quant = context.constant(1);
    if (quant === undefined) return refuse(op, 'computed parameters', 'a weight');
    const { outer, axis, inner } = aroundAxis(x.shape, op.attributes.rqAxis);
    const columns = quant.data.length / axis;
    const { lo, hi } = codesIn(y);
    const mode = op.attributes.quantMode as RequantMode;
    const rounding = op.attributes.roundMode as ShiftRounding;
    const requants = Array.from({ length: axis }, (_, channel) => {
      const [multiplier, packed, zero] = Array.from(
        quant.data.subarray(channel * columns, (channel + 1) * columns),
      ) as [number, number, number?];
      const shift = columns === 2 ? (packed << 24) >> 24 : packed;
      const rshift = mode === 'MultiplierShift' ? 0 - shift : shift;
      return { multiplier, rshift, mode, rounding, zero: zero ?? packed >> 16 };
    });
    const plane = (index: number, requant: (typeof requants)[number]): void => {
      const [from, to] = [x.view(), y.view()];
      for (let i = index * inner; i < (index + 1) * inner; i++) {
        to[i] = Math.min(Math.max(applyRequant(from[i]!, requant) + requant.zero, lo), hi);
      }
    };
    const { kernels } = context;
    const bytes = y.byteLength / y.length;
    const hasKernel = mode === 'MultiplierShift' && x.dtype === 'i32' && KERNEL_ROUNDINGS.has(rounding);
    const away = rounding === 'HalfUp' ? 0 : 1;
    return () => {
      for (let index = 0; index < outer * axis; index++) {
        const requant = requants[index % axis]!;
        const { multiplier, rshift, zero } = requant;
        const at = index * inner;
        if (!hasKernel) plane(index, requant);
        else {
          // biome-ignore format: one argument per line hides the groups
          kernels.requant_x32(x.ptr + 4 * at, y.ptr + bytes * at, bytes, inner, multiplier, rshift, away, zero, lo, hi);
        }
      }
    };
  },
};

/** x · scale + offset in f32, then half away. */
const requantFp: OpImplementation<'tpu.RequantFp'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const { lo, hi } = codesIn(y);
    const [scale, offset] = [Math.fround(op.attributes.scale), Math.fround(op.attributes.offset)];
    if (x.dtype === 'i32') {
      const bytes = y.byteLength / y.length;
      return () => kernels.lowered_requant_real(x.ptr, y.ptr, bytes, y.length, scale, offset, lo, hi);
    }
    return mapCodes(context, (code) =>
      Math.min(Math.max(toInt(Math.fround(Math.fround(code * scale) + offset)), lo), hi),
    );
  },
};

export const castingImplementations: Implementations = {
  'tpu.Cast': cast,
  'tpu.GenericCpu': genericCpu,
  'tpu.RequantInt': requantInt,
  'tpu.RequantIntAxis': requantIntAxis,
  'tpu.RequantFp': requantFp,
};
