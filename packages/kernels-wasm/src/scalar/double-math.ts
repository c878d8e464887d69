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
const LN2_HI = 6.93145751953125e-1;
const LN2_LO = 1.42860682030941723212e-6;
const EXP_P = [1.26177193074810590878e-4, 3.029944077074419613e-2, 9.9999999999999999991e-1];
const EXP_Q = [3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2];

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
  1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1, 2.222219843214978396e-1,
  2.857142874366239149e-1, 3.999999999940941908e-1, 6.66666666666673513e-1,
];
const LOG_LN2_HI = 6.9314718036912381649e-1;
const LOG_LN2_LO = 1.90821492927058770002e-10;
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
const TANH_P = [-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3];
const TANH_Q = [1, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3];

export function tanh64(x: number): number {
  const z = Math.abs(x);
  const s = x * x;
  if (z < 0.625) return x + x * s * (poly(s, TANH_P) / poly(s, TANH_Q));
  const far = 1 - 2 / (exp64(z + z) + 1);
  return x < 0 ? -far : far;
}

// see: Cephes double/ndtr.c
const ERF_T = [
  9.60497373987051638749, 9.00260197203842689217e1, 2.23200534594684319226e3, 7.00332514112805075473e3,
  5.55923013010394962768e4,
];
const ERF_U = [
  1, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3, 2.26290000613890934246e4,
  4.92673942608635921086e4,
];
const ERFC_P = [
  2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687, 4.86371970985681366614e1,
  1.96520832956077098242e2, 5.26445194995477358631e2, 9.3452852717195760754e2, 1.02755188689515710272e3,
  5.57535335369399327526e2,
];
const ERFC_Q = [
  1, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2, 9.75708501743205489753e2,
  1.82390916687909736289e3, 2.24633760818710981792e3, 1.65666309194161350182e3, 5.57535340817727675546e2,
];

/** Beyond 1 it is 1 − erfc, so that 1 + erf(x) keeps what 53 bits hold of it. */
export function erf64(x: number): number {
  const s = x * x;
  if (Math.abs(x) < 1) return (x * poly(s, ERF_T)) / poly(s, ERF_U);
  const z = Math.min(Math.abs(x), 6);
  const far = 1 - (exp64(-(z * z)) * poly(z, ERFC_P)) / poly(z, ERFC_Q);
  return x < 0 ? -far : far;
}
