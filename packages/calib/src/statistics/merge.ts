import type { CollectionPlan } from './collection-plan.ts';
import type { CollectedValue } from './collector.ts';
import { mergeCounts } from './histogram-counts.ts';
import { widthOf } from './histogram-shape.ts';
import { mergeLargest } from './largest-values.ts';
import type { RangeTracker } from './range-tracker.ts';
import type { Tails, ValueStatistics } from './value-statistics.ts';

/**
 * Puts together what several collectors gathered. Counts are whole numbers, tails are the largest of a set and per-sample
 * numbers are in sample order, so the result does not depend on who saw which sample.
 *
 * @param perSample per value, one number per sample in sample order
 */
export function mergeStatistics(
  plan: CollectionPlan,
  tracker: RangeTracker,
  parts: readonly (readonly CollectedValue[])[],
  perSample: readonly Float64Array[] | undefined,
): ValueStatistics[] {
  return plan.values.map((value, at): ValueStatistics => {
    const own = parts.map((part) => part[at]!);
    const shape = plan.histogram ? tracker.shape(at) : undefined;
    const tails = mergeTails(value.tails?.cut, own);
    return {
      min: tracker.min[at]!,
      max: tracker.max[at]!,
      absMax: tracker.absMax(at),
      ...(shape === undefined ? {} : { histogram: { counts: mergeCounts(own, shape), width: widthOf(shape) } }),
      ...(perSample === undefined ? {} : { perSample: perSample[at]! }),
      ...(tails === undefined ? {} : { tails }),
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
