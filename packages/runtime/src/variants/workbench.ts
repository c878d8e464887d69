import { type Graph, QError, type TypedArray } from '@q/ir';
import { type Kernels, loadKernels } from '@q/kernels-wasm';
import { type Assembly, assemble, checkExecutable, typesOf } from '../assemble.ts';
import { checkFeeds, type Feeds } from '../feeds.ts';
import { foldConstants } from '../fold-constants.ts';
import { describeFailure } from '../guard.ts';
import { heapOf } from '../heap.ts';
import { kernelOptions, type SessionOptions } from '../session.ts';
import type { TensorSlot } from '../slot.ts';
import type { StorageArray } from '../storage.ts';
import { WeightStore } from '../weight-store.ts';
import { SharedBlock } from './shared-block.ts';
import { Variant } from './variant.ts';

export interface VariantOptions {
  /** Values that stay readable after a run, besides the outputs. */
  readonly keep?: readonly string[];
  /** Values that the caller loads into the variant instead of having them computed. */
  readonly given?: readonly string[];
}

export type WorkbenchOptions = Pick<SessionOptions, 'module' | 'binary' | 'winograd' | 'kernels' | 'emit'>;

/**
 * Prepares a base graph and networks that differ from it in part, so that of each only the difference is executed.
 *
 * @throws QError as `createSession`.
 */
export async function openWorkbench(graph: Graph, options: WorkbenchOptions = {}): Promise<Workbench> {
  checkExecutable(graph);
  const kernels = options.kernels ?? (await loadKernels(kernelOptions(options)));
  return new Workbench(graph, kernels, options);
}

/**
 * A base graph all of whose values keep a place of their own, computed operator by operator as the caller wants, and its
 * variants. Packed weights are shared; the values that variants compute lie in one block that they take turns in.
 */
export class Workbench {
  readonly graph: Graph;
  readonly kernels: Kernels;
  readonly #options: WorkbenchOptions;
  readonly #assembly: Assembly;
  readonly #block: SharedBlock;
  readonly #variants = new Set<Variant>();

  /** @internal Use `openWorkbench`. */
  constructor(graph: Graph, kernels: Kernels, options: WorkbenchOptions) {
    this.graph = graph;
    this.kernels = kernels;
    this.#options = options;
    const weights = new WeightStore(graph.weights, heapOf(kernels), kernels.memory);
    foldConstants(graph, kernels, weights);
    const kept = new Set(graph.values.keys());
    this.#assembly = assemble(graph, { kernels, weights, kept, reuse: false, emit: options.emit });
    this.#block = new SharedBlock(heapOf(kernels));
  }

  /** Bytes of the base's values, its packed weights, and the block of the variants. */
  get bytes(): number {
    return this.#assembly.activationBytes + this.#assembly.weights.byteLength + this.#block.byteLength;
  }

  /** Bytes of the base's values of one sample, every one in a place of its own. */
  get activationBytes(): number {
    return this.#assembly.activationBytes;
  }

  /** Bytes of the base's weights, in every form that kernels asked for. */
  get weightBytes(): number {
    return this.#assembly.weights.byteLength;
  }

  /** Gives values of the base their data: network inputs, or what an earlier visit to a sample saved. */
  load(values: Feeds): void {
    checkFeeds(values, [...this.#assembly.slots.values()], false);
    for (const [name, data] of values)
      this.slot(name)
        .view()
        .set(data as StorageArray);
  }

  /** Executes operator `at` of the base on what its operands hold. Inputs and folded constants are left alone. */
  compute(at: number): void {
    const step = this.#assembly.steps[at]!;
    try {
      step.run();
    } catch (error) {
      throw describeFailure(error, step.op, typesOf(step.op, this.graph));
    }
  }

  /** Place of a value of the base. */
  slot(name: string): TensorSlot {
    const slot = this.#assembly.slots.get(name);
    if (slot !== undefined) return slot;
    throw new QError(`The graph has no value ${name}.`, { code: 'runtime.value.unknown', where: name });
  }

  /** A copy of a value of the base. */
  read(name: string): TypedArray {
    return this.slot(name).view().slice();
  }

  /** Is the value known without executing anything? */
  isConstant(name: string): boolean {
    return this.#assembly.weights.has(name);
  }

  /**
   * Prepares what `graph` computes otherwise than the base, as far as its outputs and the values to keep need it.
   */
  variant(graph: Graph, { keep = [], given = [] }: VariantOptions = {}): Variant {
    checkExecutable(graph);
    const { weights, slots } = this.#assembly;
    const variant = new Variant(graph, {
      base: this.graph,
      baseSlots: slots,
      baseWeights: weights,
      kernels: this.kernels,
      block: this.#block,
      emit: this.#options.emit,
      keep: new Set([...keep, ...graph.outputs]),
      given: new Set(given),
      closed: () => this.#variants.delete(variant),
    });
    this.#variants.add(variant);
    return variant;
  }

  /** Gives all memory back, that of the variants included. */
  dispose(): void {
    for (const variant of [...this.#variants]) variant.dispose();
    this.#block.dispose();
    heapOf(this.kernels).release(this.#assembly.block);
    this.#assembly.weights.dispose();
  }
}
