import type { Emit } from './events.ts';
import type { Graph, Op } from './graph.ts';
import type { Plan, Precision } from './plan.ts';

/** A file that a backend produces. `name` is a file name without folder. */
export interface Artefact {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** One line for people: what it is. */
  readonly description: string;
}

/** A place where a simulation may differ from what the vendor's tools compute, because it is not pinned down there. */
export interface OpenPoint {
  /** What it is about, e.g. `sums of float convolutions`. */
  readonly topic: string;
  /** One sentence: what is assumed here, and how large the difference can be. */
  readonly assumed: string;
  /** Operators that it concerns (Top names); absent: any. */
  readonly operators?: readonly string[];
}

/**
 * A family of processors: data and pure functions. Backends implement it, `@q/cli` and `@q/search` receive it;
 * nothing but the caller knows which one it is.
 */
export interface Target {
  readonly name: string;
  readonly processors: readonly string[];
  /** Float type that `--fp_type auto` means on a processor. */
  floatType(processor: string): Precision;
  /** Precisions that the lowering has a definition for, best first; empty when the operator cannot run there. */
  precisions(op: Op, processor: string): readonly Precision[];
  /**
   * The quantized graph: integer weights, multipliers, shifts, look-up tables and casts are explicit in it, so that
   * `@q/runtime` can execute it without knowing the target. Throws one error with all ops that cannot be lowered.
   */
  lower(graph: Graph, plan: Plan, emit?: Emit): Graph;
  /** What is not pinned down for a processor (`q inspect --processor` lists it). */
  openPoints?(processor: string): readonly OpenPoint[];
  /** Files for a lowered graph, in the vendor's names and formats. */
  artefacts(lowered: Graph, plan: Plan): readonly Artefact[];
}
