import { ln } from '../logarithm.ts';
import { EPSILON } from './kl.ts';

/** How far a quantized distribution q is from p. Both sum to one; where p is zero, q is too. */
export type Divergence = (p: Float64Array, q: Float64Array) => number;

/** Kullback-Leibler: sum of p ln(p / q) (bm1684-tools.md 9.2). */
export const kullbackLeibler: Divergence = (p, q) => {
  let sum = 0;
  for (let i = 0; i < p.length; i++) if (p[i]! > 0) sum += p[i]! * (ln(p[i]! + EPSILON) - ln(q[i]! + EPSILON));
  return sum;
};

/** KL(p, q) + KL(q, p) (bm1684-tools.md 9.3). */
export const symmetricKl: Divergence = (p, q) => {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i]! > 0) sum += (p[i]! - q[i]!) * (ln(p[i]! + EPSILON) - ln(q[i]! + EPSILON));
  }
  return sum;
};

/** Jensen-Shannon: mean divergence of the two from their mean; at most ln 2 (bm1684-tools.md 9.3). */
export const jensenShannon: Divergence = (p, q) => {
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const logMean = p[i]! > 0 ? ln((p[i]! + q[i]!) / 2) : 0;
    if (p[i]! > 0) sum += p[i]! * (ln(p[i]!) - logMean);
    if (q[i]! > 0) sum += q[i]! * (ln(q[i]!) - logMean);
  }
  return sum / 2;
};
