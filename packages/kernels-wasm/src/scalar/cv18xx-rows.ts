import { cvRound } from './cv18xx-bf16.ts';
import { type CvTables, cvMantissa, cvSlope } from './cv18xx-tables.ts';

const f = Math.fround;

export interface CvSoftmax {
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
  /** The exponential's slope table, and its scale. */
  readonly powers: CvTables;
  readonly scale: number;
  /** Reciprocal, or for `log` the logarithm, by exponent and mantissa. */
  readonly last: CvTables;
  readonly log: boolean;
  /** What every power is multiplied with before it is added: bfloat16(bfloat16(axis) / axis). */
  readonly share: number;
}

/** Softmax and log-softmax over the middle of [outer, axis, inner] in bfloat16 steps (numerics.md 10). */
export function cvSoftmax(x: Float32Array, s: CvSoftmax): Float32Array {
  const y = new Float32Array(x.length);
  for (let column = 0; column < s.outer * s.inner; column++) {
    const first = Math.floor(column / s.inner) * s.axis * s.inner + (column % s.inner);
    const at = Array.from({ length: s.axis }, (_, k) => first + k * s.inner);
    const top = at.reduce((largest, i) => Math.max(largest, x[i]!), Number.NEGATIVE_INFINITY);
    const distances = at.map((i) => cvRound(f(x[i]! - top)));
    const powers = distances.map((d) => cvSlope(s.powers, s.scale, d));
    const sum = powers.reduce((total, power) => f(total + f(power * s.share)), 0);
    const factor = cvMantissa(s.last, s.log, cvRound(sum));
    at.forEach((i, k) => {
      y[i] = cvRound(s.log ? f(distances[k]! - factor) : f(powers[k]! * factor));
    });
  }
  return y;
}

export interface CvLayerNorm {
  /** Elements of a row. */
  readonly n: number;
  readonly weight?: ArrayLike<number>;
  readonly bias?: ArrayLike<number>;
  /** 1/n and epsilon, rounded. */
  readonly share: number;
  readonly eps: number;
  /** The reciprocal square root by exponent and mantissa. */
  readonly root: CvTables;
}

/** LayerNorm of rows in bfloat16 steps (numerics.md 10). */
export function cvLayerNorm(x: Float32Array, { n, weight, bias, share, eps, root }: CvLayerNorm): Float32Array {
  const y = new Float32Array(x.length);
  for (let first = 0; first < x.length; first += n) {
    const row = x.subarray(first, first + n);
    const mean = cvRound(row.reduce((sum, value) => f(sum + f(value * share)), 0));
    const squares = row.reduce((sum, value) => {
      const distance = cvRound(f(value - mean));
      return f(sum + cvRound(f(cvRound(f(distance * distance)) * share)));
    }, 0);
    const factor = cvMantissa(root, false, cvRound(f(cvRound(squares) + eps)));
    row.forEach((value, i) => {
      const normal = cvRound(f(cvRound(f(value - mean)) * factor));
      const scaled = weight === undefined ? normal : cvRound(f(normal * weight[i]!));
      y[first + i] = bias === undefined ? scaled : cvRound(f(scaled + bias[i]!));
    });
  }
  return y;
}
