import type { RunOp } from './implementation.ts';

/** One after the other, by index: an iterator would be garbage on every run. */
export function inOrder(steps: readonly RunOp[]): RunOp {
  if (steps.length === 1) return steps[0]!;
  return () => {
    for (let i = 0; i < steps.length; i++) steps[i]!();
  };
}
