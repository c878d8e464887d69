import { cvBf16Bits, roundToCvBf16, type ScalarFunction } from '@q/ir';

/** Two tables of 256 bfloat16 each, as bits: values and slopes, or exponents and mantissas. */
export interface TablePair {
  readonly first: Uint16Array;
  readonly second: Uint16Array;
}

const f32 = Math.fround;
const SIZE = 256;
const HALF = 128;

/**
 * Values of `f` at 256 points of [−R, R] in two's-complement order of the point's index, and the slope from each to the
 * next one outwards (numerics.md 10). `f` is evaluated in f64 at an f32 abscissa. The last slope of each side reaches to
 * 3R: it extrapolates.
 */
export function slopeTables(f: ScalarFunction, bound: number): TablePair {
  const step = f32((2 * bound) / SIZE);
  const value = (x: number): number => roundToCvBf16(f32(f(x)));
  const values = Float32Array.from({ length: SIZE }, (_, i) =>
    i < HALF ? value(f32(i * step)) : value(f32(-bound + f32((i - HALF) * step))),
  );
  const scale = f32(SIZE / (2 * bound));
  // In f64: next to its bound a function may differ from its limit by less than an f32 shows.
  const end = (x: number): number => roundToCvBf16(f32((f(3 * x) - f(x)) / (2 * x * scale)));
  const slopes = Float32Array.from({ length: SIZE }, (_, i) => {
    if (i === HALF - 1) return end(bound);
    if (i === HALF) return end(-bound);
    const neighbour = values[i < HALF ? i + 1 : i - 1]!;
    return values[i] === neighbour ? 0 : roundToCvBf16(f32(i < HALF ? neighbour - values[i]! : values[i]! - neighbour));
  });
  return { first: Uint16Array.from(values, cvBf16Bits), second: Uint16Array.from(slopes, cvBf16Bits) };
}

/** Exponents that the tables know, −62 … 64, behind an entry for zero. */
const EXPONENTS = 127;
const LOWEST = -62;
const LARGEST_BITS = 0x7f7f;

/** x^p as a product of a power of the exponent and one of the mantissa; the negative half serves integer p only. */
export function powerTables(p: number): TablePair {
  const first = new Uint16Array(SIZE);
  const sign = p % 2 === 0 ? 1 : -1;
  const atZero = p < 0 ? LARGEST_BITS : p === 0 ? cvBf16Bits(1) : 0;
  first[0] = atZero;
  first[HALF] = atZero;
  for (let i = 0; i < EXPONENTS; i++) {
    const power = f32(2 ** (p * (LOWEST + i)));
    first[1 + i] = cvBf16Bits(power);
    if (Number.isInteger(p)) first[HALF + 1 + i] = cvBf16Bits(sign * power);
  }
  return { first, second: mantissas((m) => m ** p) };
}

/** ln x as a sum; zero and negative numbers give the largest negative number. */
export function logTables(): TablePair {
  const first = new Uint16Array(SIZE).fill(0xff7f);
  for (let i = 0; i < EXPONENTS; i++) first[1 + i] = cvBf16Bits(f32((LOWEST + i) * Math.LN2));
  first[HALF] = 0;
  return { first, second: mantissas(Math.log) };
}

/** A function of the mantissas 1, 1 + 1/128, …, which both signs share. */
function mantissas(f: ScalarFunction): Uint16Array {
  return Uint16Array.from({ length: SIZE }, (_, i) => cvBf16Bits(f32(f(1 + (i % HALF) / HALF))));
}
