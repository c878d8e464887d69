import { roundF16 } from './float16.ts';

/** Parameters of a quantizing cast (numerics.md 6.2). */
export interface QuantizeParameters {
  /** f32(1 / scale), or its nearest binary16 when `half`. */
  readonly inverse: number;
  /** The product is rounded to binary16 before it is rounded to an integer. */
  readonly half: boolean;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

/** One code: f32 product, half away from zero, zero point, clamp; what no int64 holds becomes the lowest code. */
export function quantizeValue(value: number, p: QuantizeParameters): number {
  const product = Math.fround(value * p.inverse);
  const scaled = p.half ? roundF16(product) : product;
  if (!(Math.abs(scaled) < 2 ** 63)) return p.lo;
  const whole = Math.trunc(scaled);
  const rounded = Math.abs(scaled - whole) >= 0.5 ? whole + Math.sign(scaled) : whole;
  return Math.min(Math.max(rounded + p.zero, p.lo), p.hi) + 0;
}
