/**
 * Logarithms of positive, finite, normal doubles, after fdlibm's e_log.c and e_log10.c (Sun Microsystems, 1993): within
 * one unit in the last place, and the same bits in every engine, which `Math.log` and `Math.log10` are not.
 */

const BITS = new Float64Array(1);
const WORDS = new Uint32Array(BITS.buffer);
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const LOG10_2_HIGH = 0.30102999566361177;
const LOG10_2_LOW = 3.694239077158931e-13;
const L1 = 0.6666666666666735;
const L2 = 0.3999999999940942;
const L3 = 0.2857142874366239;
const L4 = 0.22222198432149784;
const L5 = 0.1818357216161805;
const L6 = 0.15313837699209373;
const L7 = 0.14798198605116586;

/** Natural logarithm. */
export function ln(x: number): number {
  BITS[0] = x;
  const exponent = ((WORDS[HIGH]! >>> 20) & 0x7ff) - 1023;
  WORDS[HIGH] = (WORDS[HIGH]! & 0x000fffff) | (0x3ff << 20);
  const mantissa = BITS[0]!;
  // x = 2^k * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); ln(1 + f) by a polynomial in s = f / (2 + f).
  const upper = mantissa >= Math.SQRT2;
  const k = upper ? exponent + 1 : exponent;
  const f = (upper ? mantissa / 2 : mantissa) - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (L2 + w * (L4 + w * L6));
  const odd = z * (L1 + w * (L3 + w * (L5 + w * L7)));
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + (even + odd)) + k * LN2_LOW) - f);
}

/** Logarithm to base 10. */
export function log10(x: number): number {
  BITS[0] = x;
  const exponent = ((WORDS[HIGH]! >>> 20) & 0x7ff) - 1023;
  const below = exponent < 0 ? 1 : 0;
  // x = 2^shift * rest, with rest in [1, 2) from 1 upwards and in [0.5, 1) below, so that the two terms never cancel.
  const shift = exponent + below;
  WORDS[HIGH] = (WORDS[HIGH]! & 0x000fffff) | ((0x3ff - below) << 20);
  const rest = BITS[0]!;
  return shift * LOG10_2_LOW + Math.LOG10E * ln(rest) + shift * LOG10_2_HIGH;
}
