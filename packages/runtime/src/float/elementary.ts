/**
 * Elementary functions in double precision from sums, products and quotients only, so that every engine gives the same
 * bits. For operators that are too rare for a kernel; errors are a few units in the 15th digit.
 */

const LN2 = 0.6931471805599453;
const bits = new DataView(new ArrayBuffer(8));

/** x · 2ᵏ for |k| ≤ 1023. */
function scaled(x: number, k: number): number {
  bits.setFloat64(0, 1);
  bits.setUint32(0, (k + 1023) << 20);
  return x * bits.getFloat64(0);
}

/** eˣ: x = k · ln 2 + r, a Taylor series of r. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709) return Number.POSITIVE_INFINITY;
  if (x < -708) return 0;
  const k = Math.round(x / LN2);
  const r = x - k * LN2;
  let sum = 1;
  for (let n = 16; n > 0; n--) sum = 1 + (sum * r) / n;
  return scaled(sum, k);
}

/** ln x: x = m · 2ᵏ with m around 1, then the series of artanh. */
export function ln(x: number): number {
  if (x <= 0 || !Number.isFinite(x)) return x === 0 ? Number.NEGATIVE_INFINITY : x > 0 ? x : Number.NaN;
  bits.setFloat64(0, x < 1e-300 ? x * 2 ** 60 : x);
  const high = bits.getUint32(0);
  let k = (high >>> 20) - 1023 - (x < 1e-300 ? 60 : 0);
  bits.setUint32(0, (high & 0xfffff) | (1023 << 20));
  let m = bits.getFloat64(0);
  if (m > Math.SQRT2) {
    m /= 2;
    k++;
  }
  return k * LN2 + 2 * artanhSeries((m - 1) / (m + 1));
}

/** ln(1 + x) without losing small x. */
export function ln1p(x: number): number {
  return Math.abs(x) < 0.4 ? 2 * artanhSeries(x / (2 + x)) : ln(1 + x);
}

function artanhSeries(s: number): number {
  const square = s * s;
  let sum = 0;
  for (let n = 25; n > 0; n -= 2) sum = sum * square + 1 / n;
  return s * sum;
}

export function tanh(x: number): number {
  if (Math.abs(x) < 1e-4) return x - (x * x * x) / 3;
  const e = exp(-2 * Math.abs(x));
  const value = (1 - e) / (1 + e);
  return x < 0 ? -value : value;
}

export function sigmoid(x: number): number {
  return 1 / (1 + exp(-x));
}

/** The angle is halved until its series converges fast: atan x = 2 · atan(x / (1 + √(1 + x²))). */
export function atan(x: number): number {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? x : Math.sign(x) * (Math.PI / 2);
  if (Math.abs(x) > 1) return Math.sign(x) * (Math.PI / 2) - atan(1 / x);
  const half = x / (1 + Math.sqrt(1 + x * x));
  const quarter = half / (1 + Math.sqrt(1 + half * half));
  const square = -quarter * quarter;
  let sum = 0;
  for (let n = 25; n > 0; n -= 2) sum = sum * square + 1 / n;
  return 4 * quarter * sum;
}

export function asin(x: number): number {
  if (Math.abs(x) >= 1) return Math.abs(x) === 1 ? (x * Math.PI) / 2 : Number.NaN;
  return atan(x / Math.sqrt((1 - x) * (1 + x)));
}

/** sign(x) · ln(|x| + √(x² + 1)), written so that small x are kept. */
export function asinh(x: number): number {
  const a = Math.abs(x);
  if (a > 1e150) return Math.sign(x) * (ln(a) + LN2);
  return Math.sign(x) * ln1p(a + (a * a) / (1 + Math.sqrt(a * a + 1)));
}

export function acosh(x: number): number {
  if (x < 1) return Number.NaN;
  const t = x - 1;
  return x > 1e150 ? ln(x) + LN2 : ln1p(t + Math.sqrt(t) * Math.sqrt(x + 1));
}
