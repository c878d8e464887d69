import { ln } from './logarithm.ts';

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** Terms of the series of e^r for |r| <= ln(2) / 2: what follows is below half a unit in the last place. */
const TERMS = 14;

/** e^x for |x| < 700, the same bits in every engine, which `Math.exp` is not. */
export function exp(x: number): number {
  const k = Math.round(x * Math.LOG2E);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = TERMS; n > 0; n--) sum = 1 + (r / n) * sum;
  return sum * 2 ** k;
}

/** base^exponent of a base >= 0, with 0^0 = 1. */
export function power(base: number, exponent: number): number {
  if (exponent === 0) return 1;
  return base === 0 ? 0 : exp(exponent * ln(base));
}
