/**
 * bfloat16 of the CV18xx, kept as f32 (numerics.md 3). `@q/ir` defines the conversions for lowering; this package depends on
 * nothing, so the twin is written out again and `@q/runtime` holds the two equal.
 */

const F32_MAX = 3.4028234663852886e38;
const F32_MIN_NORMAL = 2 ** -126;
const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The bits of an f32. */
export function bitsOf(value: number): number {
  float[0] = value;
  return word[0]!;
}

/** The bfloat16 with these 16 bits. */
export function fromTop(top: number): number {
  word[0] = top << 16;
  return float[0]!;
}

/** What is not finite becomes this, whatever its sign. */
export const CV_LARGEST = fromTop(0x7f7f);

/** Nearest even by a 32-bit add that may wrap; every result with exponent 255 becomes +0x7F7F. */
export function cvRound(value: number): number {
  const bits = bitsOf(value);
  const top = ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 0) >>> 16;
  return (top & 0x7f80) === 0x7f80 ? CV_LARGEST : fromTop(top);
}

/** The upper half as it is. */
export function cvTruncate(value: number): number {
  return fromTop(bitsOf(value) >>> 16);
}

const flush = (value: number): number => (Math.abs(value) < F32_MIN_NORMAL ? 0 : value);

function finish(a: number, b: number, result: number): number {
  const allFinite = [a, b, result].every((value) => Math.abs(value) < F32_MAX);
  // Adding zero takes the sign off a zero.
  return allFinite ? cvRound(flush(result) + 0) : CV_LARGEST;
}

/** Product of two f32-held values, operands and product flushed. */
export function cvMultiply(a: number, b: number): number {
  return finish(a, b, Math.fround(flush(a) * flush(b)));
}

export function cvAdd(a: number, b: number): number {
  return finish(a, b, Math.fround(flush(a) + flush(b)));
}

/** int8 code of a float: the truncated operand times the rounded 1/S, half to even, saturated (numerics.md 6.2). */
export function cvQuantize(value: number, inverse: number): number {
  const product = cvMultiply(cvTruncate(value), inverse);
  if (!(Math.abs(product) < 2 ** 63)) return -128;
  const down = Math.floor(product);
  const rest = product - down;
  const rounded = rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
  return Math.min(Math.max(rounded, -128), 127);
}

/** Code of an f32 sum: times multiplier in f32, / 2^rshift, half up, clamped (numerics.md 2.3). */
export function cvRequantReal(
  sum: number,
  { multiplier, rshift, lo, hi }: { multiplier: number; rshift: number; lo: number; hi: number },
): number {
  const scaled = Math.fround(sum * Math.fround(multiplier)) / 2 ** rshift;
  return Math.min(Math.max(Math.floor(scaled + 0.5), lo), hi);
}
