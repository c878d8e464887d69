/**
 * Applying an integer multiplier and a rounding shift to integers (TPU-MLIR's interpreter; numerics.md 2.2, 2.3).
 * These are the definitions: the WebAssembly kernels and every other fast path are tested against them.
 */

/** What a rounding right shift does with the bits it drops; the spelling of TPU-MLIR's `round_mode` attribute. */
export type ShiftRounding = 'HalfAwayFromZero' | 'HalfUp' | 'HalfDown' | 'HalfToEven' | 'TowardsZero' | 'Up' | 'Down';

/** How a multiplier and a shift make a factor; the spelling of TPU-MLIR's `quant_mode` attribute. */
export type RequantMode = 'MultiplierShift' | 'OnlyShift' | 'QDM' | 'TFLite' | 'TFLite_LShift';

/** Does the dropped part `rest` of `value` (`half` is half a unit) take the floor one up? */
function roundsUp(mode: ShiftRounding, negative: boolean, odd: boolean, rest: bigint, half: bigint): boolean {
  switch (mode) {
    case 'HalfUp':
      return rest >= half;
    case 'HalfDown':
      return rest > half;
    case 'HalfToEven':
      return rest > half || (rest === half && odd);
    case 'HalfAwayFromZero':
      return negative ? rest > half : rest >= half;
    case 'Up':
      return rest !== 0n;
    case 'TowardsZero':
      return negative && rest !== 0n;
    case 'Down':
      return false;
  }
}

/** `rsr`: value / 2^shift rounded; a negative shift multiplies, a shift above 63 acts like 63. */
export function roundingShiftRight(value: bigint, shift: number, mode: ShiftRounding): bigint {
  if (shift === 0) return value;
  if (shift < 0) return value << BigInt(-shift);
  const bits = BigInt(Math.min(shift, 63));
  const floor = value >> bits;
  const rest = value - (floor << bits);
  return roundsUp(mode, value < 0n, (floor & 1n) === 1n, rest, 1n << (bits - 1n)) ? floor + 1n : floor;
}

/** `roundingShiftRight` for integers that a JavaScript number holds exactly (|value| · 2^max(0, −shift) ≤ 2^52). */
export function roundingShiftRightSafe(value: number, shift: number, mode: ShiftRounding): number {
  if (shift <= 0) return value * 2 ** -shift;
  const unit = 2 ** Math.min(shift, 63);
  const floor = Math.floor(value / unit);
  // Dividing by a power of two is exact, so the fraction is compared as it is.
  const fraction = value / unit - floor;
  switch (mode) {
    case 'HalfUp':
      return fraction >= 0.5 ? floor + 1 : floor;
    case 'HalfAwayFromZero':
      return fraction > 0.5 || (fraction === 0.5 && value >= 0) ? floor + 1 : floor;
    default:
      return Number(roundingShiftRight(BigInt(value), shift, mode));
  }
}

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;

/**
 * `mbqm`: value · multiplier / 2^31, rounded half up and saturated to 32 bits, then shifted left (`shift` > 0, before the
 * product) or right with `mode` (`shift` < 0). It rounds twice.
 */
export function multiplyByQuantizedMultiplier(
  value: number,
  multiplier: number,
  shift: number,
  mode: ShiftRounding,
): number {
  const shifted = shift > 0 ? BigInt.asIntN(32, BigInt(value) << BigInt(shift)) : BigInt(value);
  const product = roundingShiftRight(shifted * BigInt(multiplier), 31, 'HalfUp');
  const clamped = product < INT32_MIN ? INT32_MIN : product > INT32_MAX ? INT32_MAX : product;
  return Number(shift < 0 ? roundingShiftRight(clamped, -shift, mode) : clamped);
}

const SAFE = 2 ** 52;

/** value · multiplier / 2^rshift, rounded once: `MultiplierShift` of the BM chips. Exact for any 32-bit operands. */
export function multiplyShift(value: number, multiplier: number, rshift: number, mode: ShiftRounding): number {
  const product = value * multiplier;
  if (Math.abs(product) * 2 ** Math.max(0, -rshift) <= SAFE) return roundingShiftRightSafe(product, rshift, mode);
  return Number(roundingShiftRight(BigInt(value) * BigInt(multiplier), rshift, mode));
}

export interface Requant {
  readonly multiplier: number;
  /** Bits of right shift; negative is a left shift. For `QDM` on CV18xx this is the stored, non-negative form. */
  readonly rshift: number;
  readonly mode: RequantMode;
  readonly rounding: ShiftRounding;
}

/** `apply` on a BM chip: integers in, integer out, before zero point and clamp. The stored `rshift` is passed as it is. */
export function applyRequant(value: number, requant: Requant): number {
  const { multiplier, rshift, rounding } = requant;
  switch (requant.mode) {
    case 'MultiplierShift':
      return multiplyShift(value, multiplier, rshift, rounding);
    case 'OnlyShift':
      return multiplyShift(value, 1, rshift, rounding);
    default:
      return multiplyByQuantizedMultiplier(value, multiplier, rshift, rounding);
  }
}

/** Half up in f64: the one rounding of reals that the CV18xx `MultiplierShift` uses. */
function halfUp(value: number): number {
  return Math.floor(value + 0.5);
}

/**
 * `apply` on a CV18xx: `MultiplierShift` is a float division rounded half up, and the 31-bit modes store their shift
 * negated (numerics.md 2.3).
 *
 * @throws RangeError when a `MultiplierShift` has `rshift` > 30, where upstream's 32-bit divisor overflows.
 */
export function applyRequantCv18xx(value: number, requant: Requant): number {
  const { multiplier, rshift, rounding } = requant;
  switch (requant.mode) {
    case 'MultiplierShift': {
      if (rshift < 0 || rshift > 30)
        throw new RangeError(`CV18xx MultiplierShift needs a shift of 0…30, not ${rshift}`);
      return halfUp(Math.fround(Math.fround(Math.fround(value) * Math.fround(multiplier)) / 2 ** rshift));
    }
    case 'OnlyShift':
      return multiplyShift(value, 1, rshift, rounding);
    default:
      return multiplyByQuantizedMultiplier(value, multiplier, -rshift, rounding);
  }
}
