/**
 * Rounding a real to an integer, and saturating it to a storage type (numerics.md 2.1). These functions define how
 * TPU-MLIR's interpreter narrows floats; every quantizing step of lowering and execution goes through them.
 */

/** Rounding modes that TPU-MLIR implements for reals, with the spelling of its `round_mode` attribute. */
export type RoundMode = 'HalfAwayFromZero' | 'HalfUp' | 'HalfDown' | 'HalfToEven' | 'TowardsZero' | 'Up' | 'Down';

const INT64_MIN = -(2 ** 63);
const INT64_LIMIT = 2 ** 63;

/** Half away from zero. Adding 0.5 would round 0.49999999999999994 up, so the fraction is looked at instead. */
function roundHalfAway(value: number): number {
  const magnitude = Math.abs(value);
  const whole = Math.floor(magnitude);
  return Math.sign(value) * (magnitude - whole >= 0.5 ? whole + 1 : whole);
}

/** Half to even; upstream narrows the magnitude to f32 before it looks at the fraction. */
function roundHalfToEven(value: number): number {
  const magnitude = Math.fround(Math.abs(value));
  const whole = Math.floor(magnitude);
  const fraction = magnitude - whole;
  const roundsUp = fraction > 0.5 || (fraction === 0.5 && whole % 2 === 1);
  return Math.sign(value) * (roundsUp ? whole + 1 : whole);
}

function round(value: number, mode: RoundMode): number {
  switch (mode) {
    case 'HalfAwayFromZero':
      return roundHalfAway(value);
    case 'HalfUp':
      return Math.floor(value + 0.5);
    case 'HalfDown':
      return Math.ceil(value - 0.5);
    case 'HalfToEven':
      return roundHalfToEven(value);
    case 'TowardsZero':
      return Math.trunc(value);
    case 'Up':
      return Math.ceil(value);
    case 'Down':
      return Math.floor(value);
  }
}

/**
 * Rounds to an int64. What does not fit (±∞ and NaN included) becomes INT64_MIN, as the x86 conversion does, so
 * that +∞ saturates to the *lowest* code. −0 becomes 0.
 */
export function toInt(value: number, mode: RoundMode = 'HalfAwayFromZero'): number {
  const rounded = round(value, mode);
  return rounded >= INT64_MIN && rounded < INT64_LIMIT ? rounded + 0 : INT64_MIN;
}

/** Integer types that a value can be saturated to. */
export type IntegerType = 'i4' | 'u4' | 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32';

const RANGES: Readonly<Record<IntegerType, readonly [number, number]>> = {
  i4: [-8, 7],
  u4: [0, 15],
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
  u16: [0, 65535],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
};

/** Lowest and highest code of an integer type. */
export function integerRange(type: IntegerType): readonly [number, number] {
  return RANGES[type];
}

/** `toInt`, then clamp to `type`: TPU-MLIR's `to_int8`, `to_uint8`, `to_int16`, … for values computed in f64. */
export function saturate(value: number, type: IntegerType, mode: RoundMode = 'HalfAwayFromZero'): number {
  const [low, high] = RANGES[type];
  return Math.min(Math.max(toInt(value, mode), low), high);
}

/**
 * `saturate` for a value that the interpreter holds in f32: the clamp compares in f32, where 2^31 − 1 does not exist,
 * so a value above the 32-bit range saturates to 2^31 (numerics.md 2.1). Narrower types are not affected.
 */
export function saturateF32(value: number, type: IntegerType, mode: RoundMode = 'HalfAwayFromZero'): number {
  const [low, high] = RANGES[type];
  const rounded = toInt(Math.fround(value), mode);
  return Math.min(Math.max(rounded, low), Math.fround(high));
}
