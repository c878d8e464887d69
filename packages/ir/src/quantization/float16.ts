/**
 * IEEE binary16 and the three bfloat16 conversions of the supported chips (numerics.md 3). Bits travel as integers
 * 0…65535; the `roundTo…` forms answer the f32 value that the bits stand for.
 */

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** The 32 bits of `value` rounded to f32. */
export function f32Bits(value: number): number {
  floatView[0] = value;
  return bitsView[0]!;
}

/** The f32 that 32 bits stand for. */
export function f32FromBits(bits: number): number {
  bitsView[0] = bits;
  return floatView[0]!;
}

/** `value >> shift` rounded to nearest, ties to even, for non-negative integers below 2^31. */
function shiftToEven(value: number, shift: number): number {
  // Half a unit carries when the rest is more than half, or exactly half and the unit before it odd.
  return (value + (1 << (shift - 1)) - 1 + ((value >>> shift) & 1)) >>> shift;
}

/** f32 → binary16: nearest even, subnormals kept, overflow to ±∞ (65520 and up), NaN → 0x7FFF. */
export function f16Bits(value: number): number {
  const bits = f32Bits(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7fff;
  // 65520 is halfway between the largest finite binary16 and the next power of two; the tie goes to ∞.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | shiftToEven(magnitude - 0x38000000, 13);
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign;
  const significand = (magnitude & 0x7fffff) | 0x800000;
  return sign | shiftToEven(significand, 126 - exponent);
}

/** binary16 → f32, exact. */
export function f32FromF16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Bits of every value; a mapping `from` takes a hundred times as long on the weights of a network. */
export function narrowed(values: ArrayLike<number>, bitsOf: (value: number) => number): Uint16Array {
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = bitsOf(values[i]!);
  return bits;
}

/** Patterns of 16 bits: more values than that are looked up, which takes a twentieth of the time. */
const PATTERNS = 0x10000;

const tables = new WeakMap<(bits: number) => number, Float32Array>();

/** What every pattern stands for; made once. */
function tableOf(floatOf: (bits: number) => number): Float32Array {
  const known = tables.get(floatOf);
  if (known !== undefined) return known;
  const floats = Float32Array.from({ length: PATTERNS }, (_, pattern) => floatOf(pattern));
  tables.set(floatOf, floats);
  return floats;
}

/** The floats that 16-bit patterns stand for. */
export function widened(bits: Uint16Array, floatOf: (bits: number) => number): Float32Array {
  const values = new Float32Array(bits.length);
  if (bits.length <= PATTERNS) {
    for (let i = 0; i < values.length; i++) values[i] = floatOf(bits[i]!);
    return values;
  }
  const floats = tableOf(floatOf);
  for (let i = 0; i < values.length; i++) values[i] = floats[bits[i]!]!;
  return values;
}

/** `value` as the nearest binary16. */
export function roundToF16(value: number): number {
  return f32FromF16Bits(f16Bits(value));
}

/** f32 → bfloat16 as the BM chips do it: nearest even, overflow to ±∞, NaN → 0x7FFF, f32 subnormals flushed to ±0. */
export function bf16Bits(value: number): number {
  const bits = f32Bits(value);
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7fff;
  const sign = (bits >>> 16) & 0x8000;
  const rounded = shiftToEven(magnitude, 16);
  // A subnormal survives only when it rounds up to the smallest normal number.
  return rounded < 0x80 ? sign : sign | rounded;
}

/** bfloat16 → f32, exact. */
export function f32FromBf16Bits(bits: number): number {
  return f32FromBits(bits * 0x10000);
}

/** `value` as the nearest bfloat16 of the BM chips. */
export function roundToBf16(value: number): number {
  return f32FromBf16Bits(bf16Bits(value));
}

/**
 * f32 → bfloat16 of the CV18xx, "rne" flavour (weights, results): nearest even by a 32-bit add that may wrap; every
 * result with exponent 255, −∞ and NaN included, becomes +0x7F7F.
 */
export function cvBf16Bits(value: number): number {
  return cvBf16BitsOf(f32Bits(value));
}

/** `cvBf16Bits` on raw f32 bits, for NaN payloads that a JavaScript number does not keep. */
export function cvBf16BitsOf(bits: number): number {
  const lsb = (bits >>> 16) & 1;
  const top = ((bits + 0x7fff + lsb) >>> 0) >>> 16;
  return (top & 0x7f80) === 0x7f80 ? 0x7f7f : top;
}

/** `value` rounded to bfloat16 by the CV18xx "rne" conversion. */
export function roundToCvBf16(value: number): number {
  return f32FromBf16Bits(cvBf16Bits(value));
}

/** f32 → bfloat16 of the CV18xx, "trunc" flavour (casts): the top 16 bits as they are. */
export function cvTruncBf16Bits(value: number): number {
  return f32Bits(value) >>> 16;
}

/** `value` truncated to bfloat16. */
export function truncateToBf16(value: number): number {
  return f32FromBf16Bits(cvTruncBf16Bits(value));
}

const F32_MAX = 3.4028234663852886e38;
const F32_MIN_NORMAL = 2 ** -126;

const isSpecial = (value: number): boolean => !(Math.abs(value) < F32_MAX);
const flush = (value: number): number => (Math.abs(value) < F32_MIN_NORMAL ? 0 : value);

function finishCvBf16(a: number, b: number, result: number): number {
  if (isSpecial(a) || isSpecial(b) || isSpecial(result)) return f32FromBf16Bits(0x7f7f);
  const flushed = flush(result);
  return roundToCvBf16(flushed === 0 ? 0 : flushed);
}

/** CV18xx bfloat16 product of two f32-held values: operands and product flushed, +0x7F7F for anything not finite. */
export function cvBf16Multiply(a: number, b: number): number {
  return finishCvBf16(a, b, Math.fround(flush(a) * flush(b)));
}

/** CV18xx bfloat16 sum; the same flushing and saturation as `cvBf16Multiply`. */
export function cvBf16Add(a: number, b: number): number {
  return finishCvBf16(a, b, Math.fround(flush(a) + flush(b)));
}
