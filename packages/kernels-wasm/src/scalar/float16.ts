/**
 * Rounding of float32 values to 16-bit formats, kept as float32. `@q/ir` defines the conversions themselves
 * (numerics.md 3); this package depends on nothing, so the twin of the kernels is written out again and `@q/runtime`
 * holds the two equal on every upper half.
 */

/** `value` to the nearest multiple of `unit`, ties to even; `value / unit` must be exact and below 2^52. */
function toMultiple(value: number, unit: number): number {
  const ratio = value / unit;
  const floor = Math.floor(ratio);
  const rest = ratio - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return (up ? floor + 1 : floor) * unit;
}

/** Power of two at or below |value|. */
function binade(value: number): number {
  let power = 2 ** Math.floor(Math.log2(value));
  // log2 is inexact next to powers of two.
  if (power > value) power /= 2;
  if (power * 2 <= value) power *= 2;
  return power;
}

function withSign(value: number, magnitude: number): number {
  return value < 0 || Object.is(value, -0) ? -magnitude : magnitude;
}

/** Nearest binary16: ties to even, subnormals kept, 65520 and up to infinity. */
export function roundF16(value: number): number {
  if (Number.isNaN(value)) return value;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return withSign(value, Number.POSITIVE_INFINITY);
  const unit = magnitude < 2 ** -14 ? 2 ** -24 : binade(magnitude) * 2 ** -10;
  return withSign(value, toMultiple(magnitude, unit));
}

/** Nearest bfloat16 of the BM chips: ties to even, results below 2^-126 to zero. */
export function roundBf16(value: number): number {
  if (Number.isNaN(value) || !Number.isFinite(value)) return value;
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -127) return withSign(value, 0);
  const rounded = toMultiple(magnitude, Math.max(binade(magnitude), 2 ** -126) * 2 ** -7);
  if (rounded < 2 ** -126) return withSign(value, 0);
  return withSign(value, rounded >= 2 ** 128 ? Number.POSITIVE_INFINITY : rounded);
}
