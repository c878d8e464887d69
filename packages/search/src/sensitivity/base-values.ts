import type { Variant, Workbench } from '@q/runtime';
import { BaseWalk } from './base-walk.ts';
import { Frontier } from './frontier.ts';
import type { SearchSamples } from './samples.ts';

/** The base network's values of the sample that is looked at, computed as far as variants read them. */
export class BaseValues {
  readonly #bench: Workbench;
  readonly #samples: SearchSamples;
  readonly #walk: BaseWalk;
  readonly #frontier: Frontier;
  #cut = 0;
  #wanted: ReadonlySet<string> = new Set();
  #kept: readonly string[] = [];
  /** Whose values the workbench holds, and which. */
  #resident: { readonly sample: number; readonly known: Set<string> } = { sample: -1, known: new Set() };
  #executed = 0;

  constructor(bench: Workbench, samples: SearchSamples, frontierBytes: number) {
    this.#bench = bench;
    this.#samples = samples;
    this.#walk = new BaseWalk(bench.graph, (name) => bench.isConstant(name));
    this.#frontier = new Frontier(frontierBytes);
  }

  /** Operators of the base that were executed so far. */
  get executed(): number {
    return this.#executed;
  }

  get savedBytes(): number {
    return this.#frontier.bytes;
  }

  /** Says whose reads the next visits are to serve. */
  announce(variants: readonly Variant[]): void {
    const reads = new Set(variants.flatMap((variant) => [...variant.reads]));
    const isAnyChanged = variants.some(({ ops }) => ops.length > 0);
    // Candidates that are the base itself say nothing about where the next ones will differ.
    if (isAnyChanged) this.#cut = this.#walk.latestCut(reads);
    const alive = this.#walk.aliveAt(this.#cut);
    // Readers of many layers leave nothing to keep for later: they are evaluated together, now.
    const areNeighbours = reads.size <= 2 * alive.length + 2;
    this.#kept = areNeighbours ? [...new Set([...alive, ...(isAnyChanged ? reads : [])])] : [];
    this.#wanted = new Set([...reads, ...this.#kept]);
  }

  /** Makes a sample's values that were announced. */
  async visit(sample: number): Promise<void> {
    if (this.#resident.sample !== sample) this.#resident = { sample, known: new Set() };
    const { known } = this.#resident;
    const saved = this.#frontier.of(sample);
    const loaded = new Map([...saved].filter(([name]) => !known.has(name)));
    const plan = this.#walk.planFor(this.#wanted, new Set([...known, ...loaded.keys()]));
    const inputs = plan.needsInputs ? await this.#samples.sample(sample) : new Map();
    this.#bench.load(inputs);
    this.#bench.load(loaded);
    for (const name of [...inputs.keys(), ...loaded.keys()]) known.add(name);
    for (const at of plan.operators) {
      this.#bench.compute(at);
      for (const name of this.#bench.graph.ops[at]!.outputs) if (name !== null) known.add(name);
    }
    this.#executed += plan.operators.length;
    if (this.#kept.length > 0) this.#frontier.save(sample, this.#kept, this.#bench);
  }
}
