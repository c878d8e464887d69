import type { Op } from '@q/ir';
import type { Buffer } from './buffers.ts';
import type { ElementFunction, RunOp } from './implementation.ts';
import type { OpContext } from './op-context.ts';
import { implementationOf } from './registry.ts';

/** An operator and what it was prepared with. */
export interface FusionStep {
  readonly op: Op;
  readonly context: OpContext;
}

/**
 * Operators that a run may execute in one call: a convolution or matrix product and the function that alone reads its result, of
 * which the plan has made one buffer. By index of the step, what it does when nobody asks for the value between the two; the
 * function's own step then does nothing. Who observes a run, keeps that value or starts in the middle gets two steps.
 */
export function fuseSteps(steps: readonly FusionStep[], buffers: readonly Buffer[]): ReadonlyMap<number, RunOp> {
  const bufferOf = new Map(buffers.flatMap((buffer) => buffer.values.map((value) => [value, buffer] as const)));
  const readers = readersOf(steps);
  const fused = new Map<number, RunOp>();
  steps.forEach(({ op, context }, at) => {
    const value = op.outputs[0];
    // Lowered operators may round what a `top.*` operator computes for them.
    if (context.fusion === undefined || value == null || !op.type.startsWith('top.')) return;
    const [reader, ...others] = readers.get(value) ?? [];
    const then = reader === undefined || others.length > 0 ? undefined : elementFunctionOf(steps[reader]!.op);
    if (then === undefined || bufferOf.get(steps[reader!]!.op.outputs[0]!) !== bufferOf.get(value)) return;
    fused.set(at, context.fusion(then));
    fused.set(reader!, nothing);
  });
  return fused;
}

/** Indices of the steps that read a value, once for every operand. */
function readersOf(steps: readonly FusionStep[]): Map<string, number[]> {
  const readers = new Map<string, number[]>();
  steps.forEach(({ op }, at) => {
    for (const input of op.inputs) {
      if (input === null) continue;
      const own = readers.get(input);
      if (own === undefined) readers.set(input, [at]);
      else own.push(at);
    }
  });
  return readers;
}

function elementFunctionOf(op: Op): ElementFunction | undefined {
  return op.type === 'unknown' ? undefined : implementationOf(op)?.elementwise?.(op);
}

function nothing(): void {}
