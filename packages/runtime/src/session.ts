import { type Emit, type Graph, inputsOf, QError, type TypedArray } from '@q/ir';
import { type Kernels, type LoadOptions, loadKernels } from '@q/kernels-wasm';
import { type Assembly, assemble, checkExecutable, type Step, typesOf } from './assemble.ts';
import { checkFeeds, type Feeds, type InputFeeds, type WriteInput } from './feeds.ts';
import { foldConstants } from './fold-constants.ts';
import { describeFailure } from './guard.ts';
import { type Heap, heapOf } from './heap.ts';
import { findNonFinite, nonFiniteError, nonFiniteIssue } from './non-finite.ts';
import { OpBench, type OpBenchOptions } from './op-bench.ts';
import { redirectOverrides } from './overrides.ts';
import { preferredKernels } from './preferred-kernels.ts';
import { checkSessionArguments } from './session-arguments.ts';
import type { TensorSlot } from './slot.ts';
import type { StorageArray } from './storage.ts';
import { planSuffix, type SuffixPlan, suffixInputs } from './suffix.ts';
import { WeightStore } from './weight-store.ts';
import { withoutWeightData } from './without-weight-data.ts';

/**
 * Called right after a value is produced (network inputs included), while its data are still in cache. `pointer` is the
 * byte address in the session's memory and `length` the number of elements; the element type is `session.slot(value).dtype`.
 */
export type Observer = (value: string, pointer: number, length: number) => void;

export interface SessionOptions {
  /** Compiled kernels (`compileKernels()`), so that many sessions or workers compile once. */
  readonly module?: WebAssembly.Module;
  /**
   * `fast`: the kernels that fuse multiplies and adds of float convolutions and matrix products (relaxed SIMD). Results then
   * differ between machines within the budget of `@q/kernels-wasm`'s ABI.md. Default: `default`, the same bits everywhere. A
   * given `module` or instance decides by itself.
   */
  readonly binary?: NonNullable<LoadOptions['binary']>;
  /**
   * Whether dense 3x3 convolutions at stride 1 are computed by Winograd's algorithm where that is faster: up to three times as
   * fast, sums within the bound of `@q/kernels-wasm`'s ABI.md, and filters of those layers four times as large in memory. With the
   * default kernels results are still the same bits on every machine. Default: with the fast kernels. A given instance decides
   * by itself.
   */
  readonly winograd?: boolean;
  /** An instance to live in, so that two sessions can be compared without copies. Without it the session makes its own. */
  readonly kernels?: Kernels;
  /**
   * `outputs` (default): buffers are reused as soon as nothing reads them. `all`: every value stays readable until the
   * next run. A list: those values and the outputs stay readable.
   */
  readonly retain?: 'outputs' | 'all' | readonly string[];
  /**
   * `reject` (default): a NaN or infinity in an input or a network output throws, naming the first operator that made one
   * and the element's address. `allow`: values pass as they are.
   */
  readonly nonFinite?: 'reject' | 'allow';
  readonly emit?: Emit;
}

export type Outputs = Map<string, StorageArray>;

/**
 * Prepares a graph for execution: packs weights, folds constants, and lays out the memory. The session refers to none of the
 * graph's weight data afterwards, so that a caller who drops the graph gets their memory back.
 *
 * @throws QError `runtime.session.arguments` for what is no graph or no kernel instance; `runtime.operator.unsupported` with
 * every operator that cannot be executed; `kernels.*` errors when the
 * kernels do not load (`kernels.engine.relaxed-simd`: the engine cannot run the fast ones) or the memory does not suffice.
 */
export async function createSession(graph: Graph, options: SessionOptions = {}): Promise<Session> {
  checkSessionArguments(graph, options);
  checkExecutable(graph);
  const kernels = options.kernels ?? (await loadKernels(kernelOptions(options)));
  return new Session(graph, kernels, options);
}

/** How the options, and where they say nothing the preference of this thread, ask for kernels. */
export function kernelOptions(options: Pick<SessionOptions, 'module' | 'binary' | 'winograd'>): LoadOptions {
  const { module, binary, winograd } = { ...preferredKernels(), ...options };
  return { ...(module && { module }), ...(binary && { binary }), ...(winograd !== undefined && { winograd }) };
}

/** A graph that can be run. Not reentrant: one run at a time. */
export class Session {
  /**
   * The graph that is executed. Of its weights the session keeps the types; their data can be read as far as they lie in its
   * memory as they are, and else throw `runtime.weight.released`.
   */
  readonly graph: Graph;
  readonly kernels: Kernels;
  readonly #options: SessionOptions;
  readonly #heap: Heap;
  readonly #assembly: Assembly;
  readonly #inputs: readonly TensorSlot[];
  readonly #outputs: readonly TensorSlot[];
  readonly #stepOf: ReadonlyMap<string, number>;
  readonly #kept: ReadonlySet<string>;
  /** Do retained values hold what the last complete run computed? */
  #isComplete = false;
  /** Retained values that a suffix run has changed since. */
  readonly #stale = new Set<string>();
  #bench: OpBench | undefined;
  #disposed = false;

  /** @internal Use `createSession`. */
  constructor(graph: Graph, kernels: Kernels, options: SessionOptions) {
    this.kernels = kernels;
    this.#options = options;
    this.#heap = heapOf(kernels);
    const weights = new WeightStore(graph.weights, this.#heap, kernels.memory);
    // Operators keep what they were prepared with, so that they must not see the caller's graph.
    this.graph = withoutWeightData(graph, weights);
    foldConstants(this.graph, kernels, weights);
    this.#kept = keptValues(this.graph, options.retain ?? 'outputs');
    this.#assembly = assemble(this.graph, {
      kernels,
      weights,
      kept: this.#kept,
      reuse: options.retain !== 'all',
      emit: options.emit,
    });
    weights.releaseHostData();
    this.#inputs = inputsOf(this.graph).map((op) => this.slot(op.name));
    this.#outputs = graph.outputs.map((name) => this.slot(name));
    this.#stepOf = new Map(graph.ops.map((op, at) => [op.name, at]));
  }

  /** Bytes that the session holds: packed weights, and all values and scratch areas after reuse. Known before any run. */
  get peakBytes(): number {
    return this.weightBytes + this.activationBytes;
  }

  get weightBytes(): number {
    return this.#assembly.weights.byteLength;
  }

  /**
   * Largest |integer sum| of every operator that left ±2^24 in any run so far: beyond that the vendor's f32 accumulation
   * is no longer exact, and its codes may differ by one (numerics.md 0). Empty where the simulation is bit-exact.
   */
  get inexactAccumulators(): ReadonlyMap<string, number> {
    return this.#assembly.accumulators;
  }

  get activationBytes(): number {
    return this.#assembly.activationBytes;
  }

  /**
   * Executes the whole graph.
   *
   * @param feeds one array per network input, by input name, in the element type of the input; or a function that writes
   * the input in place.
   * @returns copies of the network outputs by name, in the graph's order.
   * @throws QError `runtime.feed.*`, `runtime.value.non-finite`, `runtime.kernel.trap`.
   */
  run(feeds: InputFeeds, observer?: Observer): Outputs {
    this.#checkAlive();
    checkFeeds(feeds, this.#inputs, true);
    this.#isComplete = false;
    if (this.#stale.size > 0) this.#stale.clear();
    this.#execute(feeds, observer);
    this.#isComplete = true;
    if (this.#rejects) this.#checkOutputs(feeds);
    return this.#copyOutputs();
  }

  /**
   * Executes only what changes when `overrides` replace values, or when op `opName` is to be computed again.
   *
   * @param saved values by name that the changed ops read but that do not change themselves (`suffixInputs` lists those
   * from before `opName`). Values that the session retains from its last complete run need not be given.
   * @param overrides values that are taken instead of computed ones, inputs included. An op all of whose results are
   * overridden is not executed.
   * @returns copies of the network outputs.
   * @throws QError `runtime.suffix.missing`, `runtime.operator.unknown`, `runtime.feed.*`.
   */
  runFrom(opName: string, saved: Feeds = new Map(), overrides: Feeds = new Map(), observer?: Observer): Outputs {
    this.#checkAlive();
    const { steps, slots, weights } = this.#assembly;
    checkFeeds(saved, [...slots.values()], false);
    checkFeeds(overrides, [...slots.values()], false);
    const plan = planSuffix(this.graph.ops, {
      from: this.#indexOf(opName),
      saved: new Set(saved.keys()),
      overridden: new Set(overrides.keys()),
      resident: this.#resident(),
      stale: this.#stale,
      constant: weights.names(),
      outputs: this.graph.outputs,
    });
    const redirected = redirectOverrides(this.graph, slots, overrides, this.#heap);
    try {
      steps.forEach((step, at) => {
        const action = plan.actions.get(at);
        if (action?.kind === 'run') this.#runStep(step, observer, 'part');
        else for (const name of action?.values ?? []) write(slots.get(name)!, saved.get(name)!);
      });
      return this.#copyOutputs();
    } finally {
      redirected.restore();
      this.#markChanged(plan, overrides);
    }
  }

  /** Names of the values computed before `opName` that `runFrom(opName)` may read: what to save for it. */
  suffixInputs(opName: string): string[] {
    return suffixInputs(this.graph.ops, this.#indexOf(opName), this.#assembly.weights.names());
  }

  /**
   * Executes one op on the given inputs and returns copies of its results. The values of the last run are not touched.
   * The op's memory is kept until another op is asked for; use `openOp` to hold several or to avoid copies.
   */
  runOp(opName: string, inputs: Feeds): Outputs {
    this.#checkAlive();
    if (this.#bench?.op.name !== opName) {
      this.#bench?.dispose();
      this.#bench = this.openOp(opName);
    }
    checkFeeds(inputs, this.#bench.inputs, true);
    this.#bench.run(inputs);
    return this.#bench.results();
  }

  /** One op with memory of its own (weights stay shared unless replaced), for repeated execution without copies. */
  openOp(opName: string, options: OpBenchOptions = {}): OpBench {
    this.#checkAlive();
    const op = this.graph.ops[this.#indexOf(opName)]!;
    return new OpBench(op, { graph: this.graph, kernels: this.kernels, weights: this.#assembly.weights }, options);
  }

  /** Pointer, shape and element type of a value. Its data are defined while the value is alive, or retained. */
  slot(value: string): TensorSlot {
    const slot = this.#assembly.slots.get(value);
    if (slot !== undefined) return slot;
    throw new QError(`The graph has no value ${value}.`, { code: 'runtime.value.unknown', where: value });
  }

  /**
   * A copy of a retained value of the last run.
   *
   * @throws QError `runtime.value.not-retained` when its memory may have been reused; `runtime.session.disposed`.
   */
  read(value: string): StorageArray {
    this.#checkAlive();
    const slot = this.slot(value);
    if (!this.#kept.has(value)) {
      throw new QError(`${value} is not retained by this session.`, {
        code: 'runtime.value.not-retained',
        where: value,
        hint: "create the session with retain: 'all', or list the value",
      });
    }
    return slot.view().slice();
  }

  /** Room in the session's memory for what an observer computes; may move the memory (make views anew). */
  allocate(byteLength: number): number {
    this.#checkAlive();
    return this.#heap.allocate(byteLength);
  }

  release(pointer: number): void {
    this.#heap.release(pointer);
  }

  /** Gives all memory back. The session cannot be used afterwards. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#bench?.dispose();
    this.#heap.release(this.#assembly.block);
    this.#assembly.weights.dispose();
  }

  /** Overridden values keep their own memory; what was computed from them does not hold a plain run's data any more. */
  #markChanged(plan: SuffixPlan, overrides: Feeds): void {
    plan.actions.forEach((_action, at) => {
      for (const { name } of this.#assembly.steps[at]!.outputs) {
        const isStale = plan.changed.has(name) && !overrides.has(name);
        if (!isStale) this.#stale.delete(name);
        else if (this.#isComplete && this.#kept.has(name)) this.#stale.add(name);
      }
    });
  }

  /** Retained values that hold what the last complete run computed. */
  #resident(): Set<string> {
    return new Set(this.#isComplete ? [...this.#kept].filter((name) => !this.#stale.has(name)) : []);
  }

  get #rejects(): boolean {
    return this.#options.nonFinite !== 'allow';
  }

  // Loops of a run count: the iterators of other forms are garbage until the function is optimized.

  #execute(feeds: InputFeeds, observer: Observer | undefined): void {
    const { steps } = this.#assembly;
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at]!;
      if (step.op.type === 'top.Input') this.#feedStep(step, feeds, observer);
      else this.#runStep(step, observer, 'whole');
    }
  }

  #feedStep({ outputs }: Step, feeds: InputFeeds, observer: Observer | undefined): void {
    for (let i = 0; i < outputs.length; i++) this.#feed(outputs[i]!, feeds.get(outputs[i]!.name)!, observer);
  }

  #feed(slot: TensorSlot, data: TypedArray | WriteInput, observer: Observer | undefined): void {
    if (typeof data === 'function') data(slot.view());
    else write(slot, data);
    const bad = this.#rejects ? findNonFinite(slot, this.kernels.exports) : -1;
    if (bad >= 0) throw nonFiniteError(nonFiniteIssue('runtime.feed.non-finite', slot, bad));
    observer?.(slot.name, slot.ptr, slot.length);
  }

  #runStep(step: Step, observer: Observer | undefined, run: 'whole' | 'part'): void {
    try {
      if (run === 'whole' && observer === undefined) step.runUnobserved();
      else step.run();
    } catch (error) {
      throw describeFailure(error, step.op, typesOf(step.op, this.graph));
    }
    if (observer === undefined) return;
    const { outputs } = step;
    for (let i = 0; i < outputs.length; i++) observer(outputs[i]!.name, outputs[i]!.ptr, outputs[i]!.length);
  }

  /** Looks at the outputs only, which is cheap; a bad one is traced to its origin by a second, watched run. */
  #checkOutputs(feeds: InputFeeds): void {
    const { exports } = this.kernels;
    let at = 0;
    while (at < this.#outputs.length && findNonFinite(this.#outputs[at]!, exports) < 0) at++;
    if (at === this.#outputs.length) return;
    this.#execute(feeds, (value) => {
      const slot = this.slot(value);
      const bad = findNonFinite(slot, exports);
      const op = this.graph.ops.find((candidate) => candidate.outputs.includes(value));
      if (bad >= 0) throw nonFiniteError(nonFiniteIssue('runtime.value.non-finite', slot, bad, op));
    });
  }

  #copyOutputs(): Outputs {
    const copies: Outputs = new Map();
    for (let i = 0; i < this.#outputs.length; i++) copies.set(this.#outputs[i]!.name, this.#outputs[i]!.view().slice());
    return copies;
  }

  #indexOf(opName: string): number {
    const at = this.#stepOf.get(opName);
    if (at !== undefined) return at;
    throw new QError(`The graph has no op ${opName}.`, { code: 'runtime.operator.unknown', where: opName });
  }

  #checkAlive(): void {
    if (this.#disposed)
      throw new QError('The session was disposed of.', { code: 'runtime.session.disposed', where: this.graph.name });
  }
}

function keptValues(graph: Graph, retain: 'outputs' | 'all' | readonly string[]): Set<string> {
  if (retain === 'all') return new Set(graph.values.keys());
  const kept = new Set([...graph.outputs, ...(retain === 'outputs' ? [] : retain)]);
  const unknown = [...kept].filter((name) => !graph.values.has(name));
  if (unknown.length === 0) return kept;
  throw new QError(`There is no value ${unknown.join(', ')} to retain.`, {
    code: 'runtime.value.unknown',
    where: unknown[0]!,
  });
}

function write(slot: TensorSlot, data: TypedArray): void {
  // Element type and length were checked by `checkFeeds`.
  slot.view().set(data as StorageArray);
}
