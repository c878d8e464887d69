import type { CastFloatName, CastRoundingName } from '../op-codes.ts';
import { cvMultiply, cvTruncate } from './cv18xx-bf16.ts';
import { roundBf16, roundF16 } from './float16.ts';

const f = Math.fround;

const NARROW: Readonly<Record<CastFloatName, (value: number) => number>> = {
  f32: f,
  f16: roundF16,
  bf16: roundBf16,
  cv18xx: f,
};

function halfEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

function halfAway(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

const ROUND: Readonly<Record<CastRoundingName, (value: number) => number>> = {
  halfAway,
  halfUp: (value) => Math.floor(value + 0.5),
  halfDown: (value) => Math.ceil(value - 0.5),
  halfEven,
  towardsZero: Math.trunc,
  up: Math.ceil,
  down: Math.floor,
};

export interface LoweredQuantize {
  /** f32(1 / scale), in the type of the product. */
  readonly inverse: number;
  /** Type that the operand is rounded to on its way in. */
  readonly read: CastFloatName;
  /** Type that the product is rounded to. */
  readonly product: CastFloatName;
  readonly rounding: CastRoundingName;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

/** The integer of a float (numerics.md 6.2); what no int64 holds is -2^63 before the clamp. */
export function loweredQuantize(value: number, q: LoweredQuantize): number {
  const scaled = NARROW[q.product](f(NARROW[q.read](value) * q.inverse));
  const rounded = ROUND[q.rounding](scaled);
  const whole = rounded >= -(2 ** 63) && rounded < 2 ** 63 ? rounded : -(2 ** 63);
  return Math.min(Math.max(whole + q.zero, q.lo), q.hi) + 0;
}

/** The float of an integer code (numerics.md 6.2); `factor` is the scale in the type of the result. */
export function loweredDequantize(code: number, factor: number, zero: number, float: CastFloatName): number {
  if (float === 'f32') return f(factor * (code - zero));
  if (float === 'cv18xx') return cvMultiply(f(cvTruncate(code) - zero), factor);
  const narrow = NARROW[float];
  return narrow(f(factor * narrow(f(code - zero))));
}

/** Code of an int32: x·scale + offset in f32, half away from zero, clamped. */
export function requantReal(
  value: number,
  { scale, offset, lo, hi }: { scale: number; offset: number; lo: number; hi: number },
): number {
  return Math.min(Math.max(halfAway(f(f(value * f(scale)) + f(offset))), lo), hi) + 0;
}
