import type { ObservedValue } from '../observed-values.ts';
import { type Decision, degenerate, fullRange, TINY } from '../thresholds/decide.ts';
import type { CodeWidth } from '../thresholds/method.ts';
import { type MethodName, methodTable } from '../thresholds/method-table.ts';
import type { Distribution } from './distribution.ts';
import { bounded } from './method.ts';
import { pooledMethodTable } from './method-table.ts';

export interface PooledDecisionJob {
  readonly methodName: MethodName;
  readonly values: readonly ObservedValue[];
  readonly distributions: readonly Distribution[];
  readonly bits?: CodeWidth;
  /** Values whose range is cut at both tails, whatever the method. */
  readonly asymmetric?: ReadonlySet<string>;
  readonly onDecided?: (done: number) => void;
}

/** Applies a method to every distribution. Network inputs keep their full range: they are what they are. */
export function decidePooled(job: PooledDecisionJob): Decision[] {
  const { methodName, values, distributions, bits = 8, asymmetric, onDecided } = job;
  return distributions.map((distribution, at) => {
    const absMax = fullRange(distribution);
    onDecided?.(at + 1);
    if (absMax <= TINY) return degenerate(distribution.min);
    const { name, op } = values[at]!;
    const cut = asymmetric?.has(name) === true;
    const method = pooledMethodTable[cut ? 'percentile9999' : methodName]!;
    const choice = op.type === 'top.Input' ? bounded(distribution, absMax) : method(distribution, bits);
    const tunable = methodTable[methodName].tunable && !cut;
    return { ...choice, tuneLimit: tunable ? absMax : choice.threshold, degenerate: false };
  });
}
