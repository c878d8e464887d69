/**
 * e^x, ln, tanh and erf in float64 from sums, products and quotients only, so that every engine gives the same bits; good to a
 * few units in the 16th digit. The binary does the same operations in the same order.
 */

/** Horner's rule, highest power first. */
function poly(x: number, coefficients: readonly number[]): number {
  return coefficients.reduce((p, c) => p * x + c);
}

/** 1.5·2^52: what is added to it is rounded to a whole number, ties to even. */
const ROUNDER = 6755399441055744;

// see: Cephes double/exp.c; ln 2 is split so that n·LN2_HI is exact
const LN2_HI = 0.693145751953125;
const LN2_LO = 0.0000014286068203094173;
const EXP_P = [0.00012617719307481058, 0.030299440770744195, 1];
const EXP_Q = [0.0000030019850513866446, 0.002524483403496841, 0.22726554820815503, 2];

export function exp64(x: number): number {
  if (Number.isNaN(x)) return x;
  const t = Math.min(Math.max(x, -746), 710);
  const n = t * Math.LOG2E + ROUNDER - ROUNDER;
  const r = t - n * LN2_HI - n * LN2_LO;
  const z = r * r;
  const p = poly(z, EXP_P) * r;
  const quotient = p / (poly(z, EXP_Q) - p);
  const half = Math.floor(n / 2);
  return (1 + (quotient + quotient)) * 2 ** half * 2 ** (n - half);
}

// see: fdlibm e_log.c
const LOG_POLY = [
  0.14798198605116586, 0.15313837699209373, 0.1818357216161805, 0.22222198432149784, 0.2857142874366239,
  0.3999999999940942, 0.6666666666666735,
];
const LOG_LN2_HI = 0.6931471803691238;
const LOG_LN2_LO = 1.9082149292705877e-10;
/** High words of 1 and of √½. */
const [ONE, ROOT] = [0x3ff00000, 0x3fe6a09e];
const word = new DataView(new ArrayBuffer(8));

export function log64(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  const tiny = x < 2 ** -1022;
  word.setFloat64(0, tiny ? x * 2 ** 54 : x);
  const high = word.getUint32(0) + (ONE - ROOT);
  const k = (high >>> 20) - 1023 - (tiny ? 54 : 0);
  word.setUint32(0, (high & 0xfffff) + ROOT);
  const f = word.getFloat64(0) - 1;
  const s = f / (f + 2);
  const z = s * s;
  const half = f * f * 0.5;
  const near = s * (half + poly(z, LOG_POLY) * z) + k * LOG_LN2_LO;
  return near - half + f + k * LOG_LN2_HI;
}

// see: Cephes double/tanh.c
const TANH_P = [-0.9643991794250523, -99.28772310019185, -1614.6876844170845];
const TANH_Q = [1, 112.81167849163293, 2235.4883906010045, 4844.063053251255];

export function tanh64(x: number): number {
  const z = Math.abs(x);
  const s = x * x;
  if (z < 0.625) return x + x * s * (poly(s, TANH_P) / poly(s, TANH_Q));
  const far = 1 - 2 / (exp64(z + z) + 1);
  return x < 0 ? -far : far;
}

// see: Cephes double/ndtr.c
const ERF_T = [9.604973739870516, 90.02601972038427, 2232.005345946843, 7003.325141128051, 55592.30130103949];
const ERF_U = [1, 33.56171416475031, 521.3579497801527, 4594.323829709801, 22629.000061389095, 49267.39426086359];
const ERFC_P = [
  2.461969814735305e-10, 0.5641895648310689, 7.463210564422699, 48.63719709856814, 196.5208329560771, 526.4451949954773,
  934.5285271719576, 1027.5518868951572, 557.5353353693994,
];
const ERFC_Q = [
  1, 13.228195115474499, 86.70721408859897, 354.9377788878199, 975.7085017432055, 1823.9091668790973,
  2246.3376081871097, 1656.6630919416134, 557.5353408177277,
];

/** Beyond 1 it is 1 − erfc, so that 1 + erf(x) keeps what 53 bits hold of it. */
export function erf64(x: number): number {
  const s = x * x;
  if (Math.abs(x) < 1) return (x * poly(s, ERF_T)) / poly(s, ERF_U);
  const z = Math.min(Math.abs(x), 6);
  const far = 1 - (exp64(-(z * z)) * poly(z, ERFC_P)) / poly(z, ERFC_Q);
  return x < 0 ? -far : far;
}
