import { type Graph, inputsOf, QError, type TypedArray } from '@q/ir';
import { type Feeds, openWorkbench, type Workbench } from '@q/runtime';
import { codeSums } from '../code-sums.ts';
import { pairSums, vendorSimilarity } from '../similarity.ts';
import { realsOfData } from './sample-score.ts';

/** A value that was asked for, but that no step has made (or that was declared unavailable). */
export class MissingActivation extends Error {}

/**
 * A network that is executed operator by operator on all samples. Values are kept per sample until they are released, and
 * may be replaced.
 */
export class SteppedNetwork {
  readonly graph: Graph;
  readonly #bench: Workbench;
  readonly #at: ReadonlyMap<string, number>;
  /** `null`: known to be unavailable. */
  readonly #values: Map<string, TypedArray | null>[];

  private constructor(graph: Graph, bench: Workbench, inputs: readonly Feeds[]) {
    this.graph = graph;
    this.#bench = bench;
    this.#at = new Map(graph.ops.map((op, at) => [op.name, at]));
    this.#values = inputs.map((feeds) => new Map(feeds));
  }

  static async open(graph: Graph, inputs: readonly Feeds[]): Promise<SteppedNetwork> {
    return new SteppedNetwork(graph, await openWorkbench(graph), inputs);
  }

  get workbench(): Workbench {
    return this.#bench;
  }

  hasOp(name: string): boolean {
    return this.#at.has(name);
  }

  /** Executes an operator on every sample that does not have its result yet. */
  step(name: string): void {
    const at = this.#at.get(name)!;
    const op = this.graph.ops[at]!;
    const outputs = op.outputs.filter((output): output is string => output !== null);
    const inputs = op.inputs.filter((input): input is string => input !== null && this.graph.values.has(input));
    if (op.type === 'top.Input') return;
    for (const [sample, values] of this.#values.entries()) {
      if (values.has(name)) continue;
      this.#bench.load(new Map(inputs.map((input) => [input, this.data(sample, input)])));
      this.#bench.compute(at);
      for (const output of outputs) values.set(output, this.#bench.read(output));
    }
  }

  /**
   * Executes the whole network on what a sample feeds it, whatever is known of the sample; results lie in the workbench. Those that
   * fit into `keptBytes` together are kept, so that their steps have nothing left to do.
   *
   * @throws QError `runtime.feed.*`
   */
  runWhole(sample: number, feeds: Feeds, keptBytes: number): void {
    const values = this.#values[sample]!;
    let left = keptBytes;
    for (const { name } of inputsOf(this.graph)) {
      if (feeds.has(name)) continue;
      throw new QError(`Input ${name} was not given.`, { code: 'runtime.feed.missing', where: name });
    }
    this.#bench.load(feeds);
    for (const [at, op] of this.graph.ops.entries()) {
      this.#bench.compute(at);
      if (op.type === 'top.Input' || values.has(op.name)) continue;
      const outputs = op.outputs.filter((output): output is string => output !== null);
      const bytes = outputs.reduce((sum, output) => sum + this.#bench.slot(output).byteLength, 0);
      if (bytes > left) continue;
      left -= bytes;
      for (const output of outputs) values.set(output, this.#bench.read(output));
    }
  }

  /** How near a value is to another network's. @throws MissingActivation */
  likeness(sample: number, name: string, other: SteppedNetwork): number {
    const [data, reals] = [this.data(sample, name), other.reals(sample, name)];
    const { quantization } = this.#bench.slot(name).type;
    const areBytes = data instanceof Int8Array || data instanceof Uint8Array;
    const sums =
      quantization?.kind === 'uniform' && areBytes && reals instanceof Float32Array
        ? codeSums(data, quantization, reals)
        : pairSums(this.reals(sample, name), reals);
    return vendorSimilarity(sums);
  }

  /**
   * The stored data of a value: codes where it is quantized.
   *
   * @throws MissingActivation
   */
  data(sample: number, name: string): TypedArray {
    const data = this.#values[sample]!.get(name);
    if (data == null) throw new MissingActivation(`no activation of ${name} for sample ${sample}`);
    return data;
  }

  /** The value's reals. @throws MissingActivation */
  reals(sample: number, name: string): ArrayLike<number> {
    const data = this.data(sample, name) as Exclude<TypedArray, BigInt64Array | BigUint64Array>;
    return realsOfData(data, this.#bench.slot(name).type);
  }

  /** Puts other data in a value's place; `null` makes it unavailable. */
  replace(sample: number, name: string, data: TypedArray | null): void {
    this.#values[sample]!.set(name, data);
  }

  /** Forgets a value; a later step makes it again. */
  release(name: string): void {
    for (const values of this.#values) values.delete(name);
  }

  dispose(): void {
    this.#bench.dispose();
  }
}

/** Network inputs of all samples, checked to be there. */
export async function inputsOfSamples(samples: {
  readonly length: number;
  sample(index: number): Feeds | Promise<Feeds>;
}): Promise<Feeds[]> {
  const inputs: Feeds[] = [];
  for (let index = 0; index < samples.length; index++) {
    const feeds = await samples.sample(index);
    if (feeds.size === 0) {
      throw new QError(`Sample ${index} has no arrays.`, { code: 'search.samples-missing', where: `sample ${index}` });
    }
    inputs.push(feeds);
  }
  return inputs;
}
