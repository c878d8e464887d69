import { type Graph, type Op, type TypedArray, typeOf } from '@q/ir';
import type { Kernels } from '@q/kernels-wasm';
import { prepareOp, sharingOf, typesOf } from './assemble.ts';
import { checkFeeds, type Feeds } from './feeds.ts';
import { describeFailure } from './guard.ts';
import { type Heap, heapOf } from './heap.ts';
import type { RunOp } from './implementation.ts';
import { OpContext, readsZeroPoints } from './op-context.ts';
import { TensorSlot } from './slot.ts';
import type { StorageArray } from './storage.ts';
import { WeightStore } from './weight-store.ts';

export interface OpBenchOptions {
  /** Other data for some of the op's weights, by weight name, in the weight's element type. */
  readonly weights?: ReadonlyMap<string, TypedArray>;
}

/** @internal The graph an op belongs to, and where its weights are. */
export interface BenchSurroundings {
  readonly graph: Graph;
  readonly kernels: Kernels;
  readonly weights: WeightStore;
}

/**
 * One operator of a graph with memory of its own, to be run again and again on changing inputs. Write the data of an
 * input through `input(name)` (its pointer, for a kernel, or its view) or pass them to `run`; read results the same way.
 */
export class OpBench {
  readonly op: Op;
  readonly inputs: readonly TensorSlot[];
  readonly outputs: readonly TensorSlot[];
  readonly #graph: Graph;
  readonly #run: RunOp;
  readonly #heap: Heap;
  readonly #blocks: number[] = [];
  readonly #ownWeights: WeightStore;

  /** @internal Sessions make benches: `session.openOp(name)`. */
  constructor(op: Op, { graph, kernels, weights }: BenchSurroundings, options: OpBenchOptions = {}) {
    this.op = op;
    this.#graph = graph;
    this.#heap = heapOf(kernels);
    this.#ownWeights = overlay(graph, weights, kernels, options.weights);
    const slots = new Map<string, TensorSlot>();
    const make = (name: string): TensorSlot => {
      const slot = slots.get(name) ?? new TensorSlot(name, typeOf(graph, name)!, kernels.memory);
      slots.set(name, slot);
      return slot;
    };
    const values = [...new Set(op.inputs)].filter((name): name is string => name !== null && !weights.has(name));
    this.inputs = values.map(make);
    this.outputs = op.outputs.filter((name): name is string => name !== null).map(make);
    const context = new OpContext(op, {
      kernels,
      weights: this.#ownWeights,
      chip: graph.chip,
      asymmetric: readsZeroPoints(graph),
      valueSlot: (name) => slots.get(name),
    });
    this.#run = prepareOp(op, context);
    for (const slot of [...this.inputs, ...this.outputs, ...context.scratchSlots]) {
      slot.ptr = this.#heap.allocate(slot.byteLength);
      this.#blocks.push(slot.ptr);
    }
    const sharing = sharingOf(op, graph);
    if (sharing.kind === 'view') this.outputs[0]!.ptr = context.input(sharing.operand).ptr;
  }

  /** The slot of an input or result. */
  slot(name: string): TensorSlot {
    const slot = [...this.inputs, ...this.outputs].find((candidate) => candidate.name === name);
    if (slot === undefined) throw new RangeError(`${name} is neither an input nor a result of ${this.op.name}`);
    return slot;
  }

  /** Copies the given inputs in (all others keep their data) and executes. Results stay in their slots. */
  run(inputs?: Feeds): void {
    if (inputs !== undefined) {
      checkFeeds(inputs, this.inputs, false);
      for (const slot of this.inputs) {
        const data = inputs.get(slot.name);
        if (data !== undefined) slot.view().set(data as StorageArray);
      }
    }
    try {
      this.#run();
    } catch (error) {
      throw describeFailure(error, this.op, typesOf(this.op, this.#graph));
    }
  }

  /** Copies of the results. */
  results(): Map<string, StorageArray> {
    return new Map(this.outputs.map((slot) => [slot.name, slot.view().slice()]));
  }

  dispose(): void {
    for (const ptr of this.#blocks) this.#heap.release(ptr);
    this.#blocks.length = 0;
    this.#ownWeights.dispose();
  }
}

/** A store of its own, so that what this bench places is given back with it; unchanged packed weights stay shared. */
function overlay(
  graph: Graph,
  weights: WeightStore,
  kernels: Kernels,
  replaced: ReadonlyMap<string, TypedArray> = new Map(),
): WeightStore {
  const own = new Map([...replaced].map(([name, data]) => [name, { type: typeOf(graph, name)!, data }]));
  return new WeightStore(own, heapOf(kernels), kernels.memory, weights);
}
