import { byteLengthOf, elementCount, type Graph } from '@q/ir';
import { sharingOf } from './assemble.ts';
import { assignBuffers } from './buffers.ts';
import { lowerBound, planMemory } from './memory-plan.ts';

export interface ActivationPlan {
  /** Bytes of the block that holds every value of a run, reused as soon as nothing reads a value any more. */
  readonly peakBytes: number;
  /** The most bytes alive at one step: no plan needs less. */
  readonly lowerBoundBytes: number;
  /** Bytes that the values would need side by side. */
  readonly unsharedBytes: number;
}

/**
 * The memory plan of a graph's values without preparing it for execution: a session's `activationBytes` without the scratch
 * areas of its kernels. Operators that the runtime cannot execute count as ones whose results need memory of their own.
 */
export function planActivations(graph: Graph): ActivationPlan {
  const steps = graph.ops.map((op) => ({ inputs: op.inputs, outputs: op.outputs, sharing: sharingOf(op, graph) }));
  const bytesOf = (name: string): number => {
    const type = graph.values.get(name);
    return type === undefined ? 0 : byteLengthOf(type.dtype, elementCount(type.shape));
  };
  const rules = { bytesOf, external: new Set(graph.weights.keys()), kept: new Set(graph.outputs) };
  const buffers = assignBuffers(steps, { ...rules, reuse: true }).filter(({ external }) => external === undefined);
  return {
    peakBytes: planMemory(buffers).totalBytes,
    lowerBoundBytes: lowerBound(buffers),
    unsharedBytes: [...graph.values.keys()].reduce((sum, name) => sum + bytesOf(name), 0),
  };
}
