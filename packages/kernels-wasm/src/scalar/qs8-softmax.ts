export interface CodeSoftmax {
  readonly outer: number;
  readonly axis: number;
  readonly inner: number;
  /** Power of a code that is `d` below the largest. */
  readonly powers: ArrayLike<number>;
  /** Scale, zero point, range and signedness of the result. */
  readonly scale: number;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
  readonly signed: boolean;
}

const f = Math.fround;

/** Signed results round half away, what no int64 holds becomes the lowest code; unsigned ones are cut after adding a half. */
function code(share: number, { zero, lo, hi, signed }: CodeSoftmax): number {
  const rounded = Math.trunc(share + 0.5);
  if (signed && !(rounded < 2 ** 63)) return lo;
  return Math.min(Math.max(rounded + zero, lo), hi);
}

/** Softmax over codes, in f32, sums in order (numerics.md 7.7): the definition of `qs8_softmax`. */
export function qs8Softmax(x: ArrayLike<number>, s: CodeSoftmax): number[] {
  const y = new Array<number>(x.length);
  for (let column = 0; column < s.outer * s.inner; column++) {
    const first = Math.floor(column / s.inner) * s.axis * s.inner + (column % s.inner);
    const at = Array.from({ length: s.axis }, (_, k) => first + k * s.inner);
    const top = at.reduce((largest, i) => Math.max(largest, x[i]!), Number.NEGATIVE_INFINITY);
    const powers = at.map((i) => s.powers[top - x[i]!]!);
    const divisor = f(powers.reduce((sum, power) => f(sum + power), 0) * f(s.scale));
    at.forEach((i, k) => {
      y[i] = code(f(powers[k]! / divisor), s);
    });
  }
  return y;
}
