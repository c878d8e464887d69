import { type Emit, type Graph, type Op, QError, type TypedArray } from '@q/ir';
import type { Kernels } from '@q/kernels-wasm';
import { prepareOp, sharingOf, typesOf } from '../assemble.ts';
import { assignBuffers } from '../buffers.ts';
import { checkFeeds, type Feeds } from '../feeds.ts';
import { describeFailure } from '../guard.ts';
import { heapOf } from '../heap.ts';
import { planMemory } from '../memory-plan.ts';
import { OpContext, readsZeroPoints } from '../op-context.ts';
import { type PlacedSlot, TensorSlot } from '../slot.ts';
import type { StorageArray } from '../storage.ts';
import { WeightStore } from '../weight-store.ts';
import { differenceOf } from './difference.ts';
import type { SharedBlock } from './shared-block.ts';

/** @internal What a variant stands on. */
export interface VariantSurroundings {
  readonly base: Graph;
  readonly baseSlots: ReadonlyMap<string, TensorSlot>;
  readonly baseWeights: WeightStore;
  readonly kernels: Kernels;
  readonly block: SharedBlock;
  readonly emit: Emit | undefined;
  readonly keep: ReadonlySet<string>;
  readonly given: ReadonlySet<string>;
  readonly closed: () => void;
}

interface Step {
  readonly op: Op;
  readonly run: () => void;
}

/** A slot at an offset in the shared block, or where another slot is. */
interface Placement {
  readonly slot: PlacedSlot;
  readonly offset: number;
}

/**
 * The part of a graph that differs from a workbench's base. A run reads values of the base where the two are the same, so
 * the caller must have computed or loaded those that `reads` names.
 */
export class Variant {
  readonly graph: Graph;
  /** Operators that a run executes. */
  readonly ops: readonly Op[];
  /** Values of the base that a run, or a reader of kept values, needs. */
  readonly reads: ReadonlySet<string>;
  readonly #at: VariantSurroundings;
  readonly #slots: ReadonlyMap<string, TensorSlot>;
  /** Values that the caller loads, each in a block of its own. */
  readonly #given: ReadonlyMap<string, TensorSlot>;
  readonly #weights: WeightStore;
  readonly #steps: readonly Step[];
  readonly #placements: readonly Placement[];
  /** Views on values of the base: always where those are. */
  readonly #aliases: readonly (readonly [TensorSlot, TensorSlot])[];
  readonly #bytes: number;
  #placedAt = -1;

  /** @internal Workbenches make variants. */
  constructor(graph: Graph, surroundings: VariantSurroundings) {
    this.graph = graph;
    this.#at = surroundings;
    const { kernels, base, baseWeights } = surroundings;
    const difference = differenceOf(base, graph, surroundings.given);
    this.ops = neededOps(difference.ops, surroundings.keep);
    this.#given = givenSlots(surroundings, graph);
    this.#weights = new WeightStore(difference.weights, heapOf(kernels), kernels.memory, baseWeights);
    this.#slots = new Map([...slotsOf(this.ops, graph, kernels.memory), ...this.#given]);
    this.reads = baseReads(this.ops, this.#slots, surroundings);
    const prepared = this.#prepare();
    this.#steps = prepared.map(({ op, run }) => ({ op, run }));
    const { placements, aliases, bytes } = this.#layOut(prepared.map(({ scratch }) => scratch));
    this.#placements = placements;
    this.#aliases = aliases;
    this.#bytes = bytes;
  }

  /** Gives the values that were declared as given their data. */
  load(values: Feeds): void {
    checkFeeds(values, [...this.#given.values()], false);
    for (const [name, data] of values)
      this.#given
        .get(name)!
        .view()
        .set(data as StorageArray);
  }

  /** Bytes of the weights that the variant has for itself. */
  get weightBytes(): number {
    return this.#weights.byteLength;
  }

  /** Executes what differs. Values that another variant of the workbench computed are lost. */
  run(): void {
    this.#place();
    for (const { op, run } of this.#steps) {
      try {
        run();
      } catch (error) {
        throw describeFailure(error, op, typesOf(op, this.graph));
      }
    }
  }

  /** Place of a value: the variant's own, or the base's. Own ones are valid after `run`, when kept. */
  slot(name: string): TensorSlot {
    const slot = this.#slots.get(name) ?? this.#at.baseSlots.get(name);
    if (slot !== undefined) return slot;
    throw new QError(`The graph has no value ${name}.`, { code: 'runtime.value.unknown', where: name });
  }

  /** A copy of a kept value. */
  read(name: string): TypedArray {
    return this.slot(name).view().slice();
  }

  dispose(): void {
    this.#weights.dispose();
    for (const { ptr } of this.#given.values()) heapOf(this.#at.kernels).release(ptr);
    this.#at.closed();
  }

  #prepare(): { readonly op: Op; readonly run: () => void; readonly scratch: readonly PlacedSlot[] }[] {
    const { kernels, baseSlots, emit } = this.#at;
    const surroundings = {
      kernels,
      weights: this.#weights,
      chip: this.graph.chip,
      asymmetric: readsZeroPoints(this.graph),
      emit,
      valueSlot: (name: string) => this.#slots.get(name) ?? baseSlots.get(name),
    };
    return this.ops.map((op) => {
      const context = new OpContext(op, surroundings);
      const run = op.type === 'top.Input' ? () => {} : prepareOp(op, context);
      return { op, run, scratch: context.scratchSlots };
    });
  }

  /** Buffers by lifetime within the variant's own operators; values of the base are never written. */
  #layOut(scratch: readonly (readonly PlacedSlot[])[]) {
    const { baseSlots, keep } = this.#at;
    const buffers = assignBuffers(
      this.ops.map((op) => ({ inputs: op.inputs, outputs: op.outputs, sharing: sharingOf(op, this.graph) })),
      {
        bytesOf: (value) => this.#slots.get(value)!.byteLength,
        external: new Set([...this.#weights.names(), ...this.reads, ...this.#given.keys()]),
        kept: keep,
        reuse: true,
      },
    );
    const own = buffers.filter(({ external }) => external === undefined);
    const areas = scratch.flatMap((slots, at) => slots.map((slot) => ({ slot, at })));
    const { offsets, totalBytes } = planMemory([
      ...own,
      ...areas.map(({ slot, at }) => ({ bytes: slot.byteLength, from: at, to: at })),
    ]);
    const placements: Placement[] = [
      ...own.flatMap(({ values }, index) =>
        values.map((value) => ({ slot: this.#slots.get(value)!, offset: offsets[index]! })),
      ),
      ...areas.map(({ slot }, index) => ({ slot, offset: offsets[own.length + index]! })),
    ];
    const aliases = buffers.flatMap(({ external, values }) => {
      if (external === undefined) return [];
      const source = this.#given.get(external) ?? baseSlots.get(external) ?? this.#weights.raw(external);
      return values
        .filter((value) => value !== external)
        .map((value): readonly [TensorSlot, TensorSlot] => [this.#slots.get(value)!, source]);
    });
    return { placements, aliases, bytes: totalBytes };
  }

  /** Points the slots into the shared block, wherever it is now. */
  #place(): void {
    const ptr = this.#at.block.at(this.#bytes);
    if (ptr === this.#placedAt) return;
    for (const { slot, offset } of this.#placements) slot.ptr = ptr + offset;
    for (const [slot, source] of this.#aliases) slot.ptr = source.ptr;
    this.#placedAt = ptr;
  }
}

/** Those that lead to a kept value. */
function neededOps(ops: readonly Op[], keep: ReadonlySet<string>): readonly Op[] {
  const wanted = new Set<string | null>(keep);
  const needed = ops.toReversed().filter((op) => {
    if (!op.outputs.some((name) => name !== null && wanted.has(name))) return false;
    for (const name of op.inputs) wanted.add(name);
    return true;
  });
  return needed.toReversed();
}

function givenSlots({ given, kernels }: VariantSurroundings, graph: Graph): Map<string, TensorSlot> {
  const heap = heapOf(kernels);
  return new Map(
    [...given].map((name) => {
      const type = graph.values.get(name);
      if (type === undefined)
        throw new QError(`The graph has no value ${name}.`, { code: 'runtime.value.unknown', where: name });
      const slot = new TensorSlot(name, type, kernels.memory);
      slot.ptr = heap.allocate(slot.byteLength);
      return [name, slot];
    }),
  );
}

function slotsOf(ops: readonly Op[], graph: Graph, memory: WebAssembly.Memory): Map<string, TensorSlot> {
  const names = ops.flatMap((op) => op.outputs).filter((name): name is string => name !== null);
  return new Map(names.map((name) => [name, new TensorSlot(name, graph.values.get(name)!, memory)]));
}

function baseReads(
  ops: readonly Op[],
  own: ReadonlyMap<string, TensorSlot>,
  { baseSlots, baseWeights, keep }: VariantSurroundings,
): Set<string> {
  const wanted = [...ops.flatMap((op) => op.inputs), ...keep];
  return new Set(
    wanted.filter(
      (name): name is string => name !== null && !own.has(name) && baseSlots.has(name) && !baseWeights.has(name),
    ),
  );
}
