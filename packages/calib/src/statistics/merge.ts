import type { CollectionPlan } from './collection-plan.ts';
import type { CollectedValue } from './collector.ts';
import { mergeCounts } from './histogram-counts.ts';
import { widthOf } from './histogram-shape.ts';
import { mergeLargest } from './largest-values.ts';
import type { RangeTracker } from './range-tracker.ts';
import type { SampleNumbers } from './sample-numbers.ts';
import type { Tails, ValueStatistics, Window } from './value-statistics.ts';
import { windowBetween } from './window-shape.ts';

/** What was gathered of all samples, whoever saw them. */
export interface Gathered {
  readonly tracker: RangeTracker;
  readonly numbers: SampleNumbers;
  /** By collector and value. */
  readonly parts: readonly (readonly CollectedValue[])[];
}

/**
 * Puts together what several collectors gathered. Counts are whole numbers, tails are the largest of a set and per-sample
 * numbers are in sample order, so the result does not depend on who saw which sample.
 */
export function mergeStatistics(plan: CollectionPlan, { tracker, numbers, parts }: Gathered): ValueStatistics[] {
  return plan.values.map((value, at): ValueStatistics => {
    const own = parts.map((part) => part[at]!);
    const shape = plan.histogram ? tracker.shape(at) : undefined;
    const tails = mergeTails(value.tails?.cut, own);
    const perSample = numbers.of(at);
    const [min, max] = [tracker.min[at]!, tracker.max[at]!];
    const window = plan.window ? mergeWindows(min, max, own) : undefined;
    return {
      min,
      max,
      absMax: tracker.absMax(at),
      ...(shape === undefined ? {} : { histogram: { counts: mergeCounts(own, shape), width: widthOf(shape) } }),
      ...(perSample === undefined ? {} : { numbers: perSample }),
      ...(tails === undefined ? {} : { tails }),
      ...(window === undefined ? {} : { window }),
      ...(value.rawStep === undefined ? {} : { raw: mergeRaw(own) }),
    };
  });
}

function mergeTails(cut: Tails['cut'] | undefined, parts: readonly CollectedValue[]): Tails | undefined {
  if (cut === undefined) return undefined;
  const merge = (lists: readonly (Float32Array | undefined)[]): Float32Array =>
    mergeLargest(
      lists.filter((list) => list !== undefined),
      cut.kept,
    );
  const high = merge(parts.map((part) => part.high));
  return parts[0]!.low === undefined ? { cut, high } : { cut, high, low: merge(parts.map((part) => part.low)) };
}

function mergeWindows(min: number, max: number, parts: readonly CollectedValue[]): Window | undefined {
  const shape = windowBetween(min, max);
  const counts = parts.flatMap(({ window }) => (window === undefined ? [] : [window]));
  if (shape === undefined || counts.length === 0) return undefined;
  const total = counts[0]!.slice();
  for (const part of counts.slice(1)) {
    for (let i = 0; i < total.length; i++) total[i]! += part[i]!;
  }
  return { counts: total, ...shape };
}

/** In sample order. */
function mergeRaw(parts: readonly CollectedValue[]): Float32Array {
  const samples = parts.flatMap(({ raw }) => [...raw!]).sort(([a], [b]) => a - b);
  const all = new Float32Array(samples.reduce((sum, [, values]) => sum + values.length, 0));
  let at = 0;
  for (const [, values] of samples) {
    all.set(values, at);
    at += values.length;
  }
  return all;
}
