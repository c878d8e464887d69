import type { ObservedValue } from '../observed-values.ts';
import type { ValueStatistics } from '../statistics/value-statistics.ts';
import type { Choice, ThresholdMethod } from './method.ts';
import { quantile } from './percentile9999.ts';

/** Values this small count as zero (calibration.md 6.7). */
export const TINY = 1e-5;

/** The decision about one value, and what the tuner needs to know. */
export interface Decision extends Choice {
  /** Upper end of the tuner's scan. */
  readonly tuneLimit: number;
  /** The value is zero in all samples, or next to it. */
  readonly degenerate: boolean;
}

/** Applies a method to every value, with the clamps and exceptions of calibration.md 6.6 and 6.7. */
export function decide(
  method: ThresholdMethod,
  values: readonly ObservedValue[],
  statistics: readonly ValueStatistics[],
  onDecided: (done: number) => void = () => {},
): Decision[] {
  const decisions = statistics.map((value, at) => {
    const decision = settle(method.choose(value), value, method);
    onDecided(at + 1);
    return decision;
  });
  return method.keepsEnds ? keepEnds(decisions, values, statistics) : decisions;
}

function settle(choice: Choice, { absMax }: ValueStatistics, method: ThresholdMethod): Decision {
  if (absMax > TINY) return { ...choice, tuneLimit: method.tunable ? absMax : choice.threshold, degenerate: false };
  return { threshold: TINY, min: choice.min < 0 ? -TINY : 0, max: TINY, tuneLimit: TINY, degenerate: true };
}

/** Network inputs, and outputs whose upper quantile is their maximum, keep their full range. */
function keepEnds(
  decisions: readonly Decision[],
  values: readonly ObservedValue[],
  statistics: readonly ValueStatistics[],
): Decision[] {
  const kept = new Set(guardedOutputs(decisions, values, statistics));
  return decisions.map((decision, at) => {
    if (!kept.has(at) && values[at]!.op.type !== 'top.Input') return decision;
    const threshold = fullRange(decision);
    return { ...decision, threshold, tuneLimit: threshold };
  });
}

const GUARDED = 5;

/** The trailing outputs that keep their range: from the last value backwards until one has a quantile below its maximum. */
function guardedOutputs(
  decisions: readonly Decision[],
  values: readonly ObservedValue[],
  statistics: readonly ValueStatistics[],
): number[] {
  const guarded: number[] = [];
  const first = Math.max(0, values.length - GUARDED);
  for (let at = values.length - 1; at >= first; at--) {
    const { tails } = statistics[at]!;
    if (quantile(tails!.high, tails!) !== fullRange(decisions[at]!)) break;
    guarded.push(at);
    const { type } = values[at]!.op;
    if (type === 'top.MatMul' || type === 'top.Conv') break;
  }
  return guarded;
}

function fullRange({ min, max }: Choice): number {
  return Math.max(Math.abs(min), Math.abs(max));
}
