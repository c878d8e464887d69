import { HISTOGRAM_BINS, type RangeLimits, type TensorHistogram, type Window } from './window.ts';

/** What a candidate window is chosen by: XQuant's `calibration_type`. */
export type RangeObjective = 'default' | 'kl' | 'mse';

/** Losses of all candidates, in their order. */
export interface WindowLosses {
  readonly mse: Float64Array;
  readonly kl: Float64Array;
}

export interface ChosenRange {
  readonly min: number;
  readonly max: number;
}

/** A range that has no width to search in is taken whole (spacemit.md 8.3, early exits); undefined otherwise. */
export function trivialRange(tensor: TensorHistogram, limits: RangeLimits = {}): ChosenRange | undefined {
  const { min, max, percentileMin, percentileMax } = tensor;
  const isFlat = (max - min) / HISTOGRAM_BINS === 0 || Math.abs(percentileMax - percentileMin) < 2 ** -23;
  if (!isFlat) return undefined;
  return { min: Math.max(limits.min ?? -(2 ** 31), min), max: Math.min(limits.max ?? 2 ** 31, max) };
}

/** Candidates that set the balance between the two losses of `default`. */
const BALANCED_BY = 10;
/** Losses that are equal but for the rounding of their sums: the order of candidates decides, not the order of additions. */
const [RELATIVE_TIE, ABSOLUTE_TIE] = [1e-9, 1e-12];

/**
 * Index of the winning window (spacemit.md 8.3): the least divergence; the least squared error, equal ones by divergence; or
 * the least `KL + λ · MSE`, where λ = √(mean(KL² / MSE²)) over the ten candidates of least squared error. Remaining ties go
 * to the earlier candidate.
 */
export function chooseWindow({ mse, kl }: WindowLosses, objective: RangeObjective): number {
  if (objective === 'kl') return leastOf(kl);
  if (objective === 'mse') {
    const bound = tieBound(mse);
    return leastOf(kl.map((loss, at) => (mse[at]! <= bound ? loss : Number.POSITIVE_INFINITY)));
  }
  const limit = mse.toSorted()[Math.min(BALANCED_BY, mse.length) - 1]!;
  const near = [...mse.keys()].filter((at) => mse[at]! <= limit);
  const best = near.sort((a, b) => mse[a]! - mse[b]! || kl[a]! - kl[b]! || a - b).slice(0, BALANCED_BY);
  const ratio = best.reduce((sum, at) => sum + (kl[at]! * kl[at]!) / (mse[at]! * mse[at]!), 0) / best.length;
  const balance = Math.sqrt(ratio);
  return leastOf(mse.map((loss, at) => kl[at]! + loss * balance));
}

function leastOf(losses: Float64Array): number {
  const bound = tieBound(losses);
  return losses.findIndex((loss) => loss <= bound);
}

function tieBound(losses: Float64Array): number {
  const least = losses.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return least + Math.abs(least) * RELATIVE_TIE + ABSOLUTE_TIE;
}

export function rangeOf({ low, high }: Window): ChosenRange {
  return { min: low, max: high };
}
