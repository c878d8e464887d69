import type { ObservedValue } from '../observed-values.ts';
import type { ValueStatistics } from '../statistics/value-statistics.ts';
import type { Choice, CodeWidth, ThresholdMethod } from './method.ts';
import { quantile, tailRange } from './percentile9999.ts';

/** Values this small count as zero (calibration.md 6.7). */
export const TINY = 1e-5;

/** The decision about one value, and what the tuner needs to know. */
export interface Decision extends Choice {
  /** Upper end of the tuner's scan. */
  readonly tuneLimit: number;
  /** The value is zero in all samples, or next to it. */
  readonly degenerate: boolean;
}

/** What is decided, and how. */
export interface DecisionJob {
  readonly method: ThresholdMethod;
  readonly values: readonly ObservedValue[];
  readonly statistics: readonly ValueStatistics[];
  readonly bits?: CodeWidth;
  /** Values whose range is cut at both tails, whatever the method (calibration.md 6.9). */
  readonly asymmetric?: ReadonlySet<string>;
  readonly onDecided?: (done: number) => void;
}

/** Applies a method to every value, with the clamps and exceptions of calibration.md 6.6, 6.7 and 6.9. */
export function decide(job: DecisionJob): Decision[] {
  const { method, values, statistics, bits = 8, asymmetric, onDecided } = job;
  const decisions = statistics.map((value, at) => {
    const twoTails = asymmetric?.has(values[at]!.name) === true;
    const decision = twoTails ? asymmetricDecision(value) : settle(method.choose(value, bits), value, method);
    onDecided?.(at + 1);
    return decision;
  });
  return method.keepsEnds ? keepEnds(decisions, job) : decisions;
}

function settle(choice: Choice, { absMax }: ValueStatistics, method: ThresholdMethod): Decision {
  if (absMax <= TINY) return degenerate(choice.min);
  return { ...choice, tuneLimit: method.tunable ? absMax : choice.threshold, degenerate: false };
}

function asymmetricDecision({ tails }: ValueStatistics): Decision {
  const { low, high } = tailRange(tails!);
  const threshold = fullRange({ min: low, max: high });
  if (threshold <= TINY) return degenerate(low);
  return { threshold, min: low, max: high, tuneLimit: threshold, degenerate: false };
}

export function degenerate(min: number): Decision {
  return { threshold: TINY, min: min < 0 ? -TINY : 0, max: TINY, tuneLimit: TINY, degenerate: true };
}

/** Network inputs, and outputs whose upper quantile is their maximum, keep their full range. */
function keepEnds(decisions: readonly Decision[], { values, statistics, asymmetric }: DecisionJob): Decision[] {
  const kept = new Set(guardedOutputs(decisions, values, statistics));
  return decisions.map((decision, at) => {
    const { name, op } = values[at]!;
    if (asymmetric?.has(name) || (!kept.has(at) && op.type !== 'top.Input')) return decision;
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
    if (tails === undefined || quantile(magnitudes(tails), tails) !== fullRange(decisions[at]!)) break;
    guarded.push(at);
    const { type } = values[at]!.op;
    if (type === 'top.MatMul' || type === 'top.Conv') break;
  }
  return guarded;
}

/** The largest magnitudes, descending, where the two tails were kept apart. */
function magnitudes({ high, low, cut }: NonNullable<ValueStatistics['tails']>): Float32Array {
  if (low === undefined) return high;
  return Float32Array.from([...high, ...low].map(Math.abs))
    .sort()
    .reverse()
    .slice(0, cut.kept);
}

/** Larger magnitude of the extremes. */
export function fullRange({ min, max }: { readonly min: number; readonly max: number }): number {
  return Math.max(Math.abs(min), Math.abs(max));
}
