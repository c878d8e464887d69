/**
 * The transcendental functions of the binary, one lane at a time: the same operations in the same order, each rounded to
 * float32, so both sides agree to the last bit. Accuracy against the true value is stated in ABI.md and tested.
 */
const f = Math.fround;

/** To nearest, ties to even. */
export function roundHalfEven(v: number): number {
  const down = Math.floor(v);
  const part = v - down;
  if (part < 0.5) return down === 0 && v < 0 ? -0 : down;
  if (part > 0.5 || down % 2 !== 0) return down + 1 === 0 ? -0 : down + 1;
  return down === 0 && v < 0 ? -0 : down;
}

/** To nearest, ties away from zero. */
export function roundHalfAway(v: number): number {
  const whole = Math.trunc(v);
  return Math.abs(v - whole) >= 0.5 ? whole + Math.sign(v) : whole;
}

/** Horner's rule, highest power first, each step rounded. */
function poly(x: number, coefficients: readonly number[]): number {
  let p = f(coefficients[0]!);
  for (let i = 1; i < coefficients.length; i++) p = f(f(p * x) + f(coefficients[i]!));
  return p;
}

// see: Cephes single/expf.c
const LOG2E = f(Math.LOG2E);
const LN2_HI = f(0.693359375);
const LN2_LO = f(-2.1219444e-4);
const EXP_POLY = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];

/** r and n with x = n*ln2 + r. */
function reduce(x: number): { n: number; r: number } {
  const n = roundHalfEven(f(x * LOG2E));
  return { n, r: f(f(x - f(n * LN2_HI)) - f(n * LN2_LO)) };
}

export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  const { n, r } = reduce(Math.min(Math.max(x, -104), f(88.8)));
  const p = f(f(f(poly(r, EXP_POLY) * f(r * r)) + r) + 1);
  const half = n >> 1;
  return f(f(p * 2 ** half) * 2 ** (n - half));
}

/** e^x - 1 for x <= 0. */
export function expm1Negative(x: number): number {
  if (Number.isNaN(x)) return x;
  const { n, r } = reduce(Math.max(x, -18));
  const q = f(f(poly(r, EXP_POLY) * f(r * r)) + r);
  const s = 2 ** n;
  return f(f(s * q) + f(s - 1));
}

export function sigmoid(x: number): number {
  const e = exp(-Math.abs(x));
  return f((x < 0 ? e : 1) / f(1 + e));
}

// see: Cephes single/tanhf.c
const TANH_POLY = [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1];

export function tanh(x: number): number {
  const z = Math.abs(x);
  if (z < 0.625) {
    const s = f(x * x);
    return f(f(f(poly(s, TANH_POLY) * s) * x) + x);
  }
  const far = f(1 - f(2 / f(exp(f(z + z)) + 1)));
  return x < 0 ? -far : far;
}

// see: Cephes single/logf.c
const LOG_POLY = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];
const word = new DataView(new ArrayBuffer(4));

export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return x;
  const tiny = x < 2 ** -126;
  word.setFloat32(0, tiny ? x * 2 ** 23 : x);
  const bits = word.getUint32(0);
  let e = (bits >>> 23) - 126 - (tiny ? 23 : 0);
  word.setUint32(0, (bits & 0x007fffff) | 0x3f000000);
  let m = word.getFloat32(0);
  if (m < f(Math.SQRT1_2)) {
    e -= 1;
    m = f(f(m + m) - 1);
  } else {
    m = f(m - 1);
  }
  const z = f(m * m);
  let y = f(f(poly(m, LOG_POLY) * m) * z);
  y = f(y + f(e * LN2_LO));
  y = f(y - f(z * 0.5));
  return f(f(m + y) + f(e * LN2_HI));
}

/** ln(1 + u) for u in [0, 1]. */
export function log1pUnit(u: number): number {
  const w = f(1 + u);
  return w === 1 ? u : f(log(w) * f(u / f(w - 1)));
}

// see: Cephes single/ndtrf.c
const ERF_POLY = [
  7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2, 1.128358514861418e-1,
  -3.7612625824233e-1, 1.12837916572671,
];
const ERFC_POLY = [
  2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1, -5.824733027278666e-1, 6.210004621745983e-1,
  -4.944515323274145e-1, 3.404879937665872e-1, -2.741127028184656e-1, 5.638259427386472e-1,
];

export function erf(x: number): number {
  const z = Math.abs(x);
  const s = f(x * x);
  if (z < 1) return f(x * poly(s, ERF_POLY));
  const q = f(1 / z);
  const erfc = f(f(exp(-s) * q) * poly(f(q * q), ERFC_POLY));
  const far = f(1 - erfc);
  return x < 0 ? -far : far;
}
