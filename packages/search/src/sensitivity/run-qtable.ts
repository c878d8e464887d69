import { type Graph, isQError, type Op, type Plan, type Precision } from '@q/ir';
import { pairSums, vendorSimilarity } from '../similarity.ts';
import { evaluateInFull, type FullEvaluation } from './full-evaluation.ts';
import { runMixed } from './mixed-run.ts';
import { withFloatOps } from './plan-edits.ts';
import { againstFloat, noSamples } from './run-sensitive-layer.ts';
import { meanOf, type SampleScore, similarityScore } from './sample-score.ts';
import type { SearchOptions } from './search-options.ts';
import { inputsOfSamples, MissingActivation, SteppedNetwork } from './stepped-network.ts';

/** More than `expectedCos` ends the search as well. */
export interface QtableOptions extends SearchOptions {
  /** Layers below this are put into float. Default 0.99. */
  readonly minLayerCos?: number;
}

export interface LayerCosine {
  readonly layer: string;
  /** Mean over samples of (1 + cosine) / 2 between the layer in INT8 and in float. */
  readonly cosine: number;
}

/** Why the walk over the layers ended. */
export type QtableEnd = 'reached' | 'too-many' | 'walked' | 'interrupted';

export type QtableOutcome =
  | { readonly kind: 'sufficient'; readonly int8Score: number }
  | {
      readonly kind: 'searched';
      readonly int8Score: number;
      /** Score of the last mixed network that was tried; 0 when none was, as the original prints. */
      readonly mixedScore: number;
      /** Layers that were judged, in the network's order. */
      readonly layers: readonly LayerCosine[];
      /** In the order of the quantize table; a layer may be listed twice. */
      readonly floatLayers: readonly string[];
      readonly floatType: Precision;
      readonly end: QtableEnd;
      /** What interrupted the walk, in words. */
      readonly interruption?: string;
      readonly plan: Plan;
    };

/**
 * `run_qtable` of TPU-MLIR (search.md 8.2): walks over the layers of the INT8 network, puts a layer that is too far from
 * float into float together with the layers behind it, and goes on with what those then give.
 *
 * The original means to skip Reshape, Softmax, MaxPool and other types, but compares the names of Top types with those of
 * lowered operators, so that only inputs are skipped (observed with v1.17). It is the same here.
 */
export async function runQtable(options: QtableOptions): Promise<QtableOutcome> {
  const { target, processor, graph, values, samples, expectedCos = 0.99 } = options;
  if (samples.length === 0) throw noSamples();
  const plan: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
  const evaluation = await againstFloat(options);
  const int8 = target.lower(graph, plan, options.emit);
  const int8Score = meanOf(await evaluateInFull(int8, evaluation));
  if (int8Score > expectedCos) return { kind: 'sufficient', int8Score };
  const walk = await QtableWalk.open(options, { plan, int8, evaluation, int8Score });
  try {
    return walk.run();
  } finally {
    walk.dispose();
  }
}

interface WalkStart {
  readonly plan: Plan;
  readonly int8: Graph;
  readonly evaluation: FullEvaluation;
  readonly int8Score: number;
}

class QtableWalk {
  readonly #options: QtableOptions;
  readonly #start: WalkStart;
  readonly #floatType: Precision;
  readonly #int8: SteppedNetwork;
  readonly #float: SteppedNetwork;
  readonly #score: SampleScore;
  readonly #floatLayers: string[] = [];
  readonly #layers: LayerCosine[] = [];
  #mixedScore = 0;

  private constructor(options: QtableOptions, start: WalkStart, int8: SteppedNetwork, float: SteppedNetwork) {
    this.#options = options;
    this.#start = start;
    this.#floatType = options.floatType ?? options.target.floatType(options.processor);
    this.#int8 = int8;
    this.#float = float;
    this.#score = options.score ?? similarityScore();
  }

  static async open(options: QtableOptions, start: WalkStart): Promise<QtableWalk> {
    const { target, processor, graph, samples } = options;
    const precision = target.floatType(processor);
    const float: Plan = { processor, precision, asymmetric: false, ops: new Map(), values: new Map() };
    const inputs = await inputsOfSamples(samples);
    const [first, second] = [start.int8, target.lower(graph, float)];
    return new QtableWalk(
      options,
      start,
      await SteppedNetwork.open(first, inputs),
      await SteppedNetwork.open(second, inputs),
    );
  }

  run(): QtableOutcome {
    const { int8Score, plan } = this.#start;
    const { end, interruption } = this.#walk();
    const floatLayers = [...this.#floatLayers];
    const cosines = new Map(this.#layers.map(({ layer, cosine }) => [layer, cosine]));
    return {
      kind: 'searched',
      int8Score,
      mixedScore: this.#mixedScore,
      layers: this.#layers,
      floatLayers,
      floatType: this.#floatType,
      end,
      ...(interruption === undefined ? {} : { interruption }),
      plan: withFloatOps(plan, floatLayers, this.#floatType, (name) => ({
        code: 'sensitivity',
        loss: 1 - (cosines.get(name) ?? 1),
      })),
    };
  }

  dispose(): void {
    this.#int8.dispose();
    this.#float.dispose();
  }

  #walk(): { readonly end: QtableEnd; readonly interruption?: string } {
    const order = mergedOrder(this.#int8.graph, this.#float.graph);
    const lastReader = this.#lastReaders(order);
    try {
      for (const [index, name] of order.entries()) {
        const end = this.#visit(name);
        this.#options.emit?.({ type: 'progress', task: 'qtable', done: index + 1, total: order.length, label: name });
        if (end !== undefined) return { end };
        for (const value of lastReader.get(index) ?? []) {
          this.#int8.release(value);
          this.#float.release(value);
        }
      }
    } catch (error) {
      // The original swallows whatever happens and reports what it has.
      if (error instanceof MissingActivation) return { end: 'interrupted', interruption: error.message };
      if (isQError(error) && error.code.startsWith('lower.'))
        return { end: 'interrupted', interruption: error.message };
      throw error;
    }
    return { end: 'walked' };
  }

  #visit(name: string): QtableEnd | undefined {
    const hasInt8Reader =
      this.#int8.hasOp(name) &&
      readersOf(this.#int8.graph, name).some((reader) => !this.#floatLayers.includes(reader.name));
    if (hasInt8Reader) this.#int8.step(name);
    if (this.#float.hasOp(name)) this.#float.step(name);
    const op = this.#options.graph.ops.find((candidate) => candidate.name === name);
    const isJudged =
      op !== undefined &&
      op.type !== 'top.Input' &&
      hasInt8Reader &&
      !this.#floatLayers.includes(name) &&
      this.#counts(op);
    if (!isJudged) return undefined;
    const cosine = this.#layerCosine(name);
    this.#layers.push({ layer: name, cosine });
    return cosine < (this.#options.minLayerCos ?? 0.99) ? this.#putIntoFloat(op) : undefined;
  }

  /** With layers to compare, only what lies before them matters. */
  #counts(op: Op): boolean {
    const { compared, graph } = this.#options;
    return compared === undefined || isUpstream(graph, op.name, compared);
  }

  #layerCosine(name: string): number {
    const { length } = this.#options.samples;
    let sum = 0;
    for (let sample = 0; sample < length; sample++) {
      sum += vendorSimilarity(pairSums(this.#int8.reals(sample, name), this.#float.reals(sample, name)));
    }
    return sum / length;
  }

  #putIntoFloat(op: Op): QtableEnd | undefined {
    const { graph, samples, expectedCos = 0.99, target, compared } = this.#options;
    const next = readersOf(graph, op.name).map(({ name }) => name);
    this.#floatLayers.push(op.name, ...next);
    const mixed = target.lower(
      graph,
      withFloatOps(this.#start.plan, this.#floatLayers, this.#floatType, () => ({ code: 'default' })),
    );
    const isFloat = new Set(this.#floatLayers);
    const crossing = new Map(
      crossingValues(graph, op).map((name) => [name, isFloat.has(name) ? ('float' as const) : ('int8' as const)]),
    );
    const scores = new Float64Array(samples.length);
    const run = { mixed, int8: this.#int8, float: this.#float, crossing, requantized: next, compared };
    runMixed(run, samples.length, (sample, { outputs, codes }) => {
      scores[sample] = this.#score(this.#start.evaluation.reference[sample]!, outputs);
      for (const layer of next) this.#int8.replace(sample, layer, codes.get(layer) ?? null);
    });
    this.#mixedScore = meanOf(scores);
    if (this.#mixedScore > expectedCos) return 'reached';
    if (this.#floatLayers.length > Math.floor(graph.ops.length / 4)) return 'too-many';
    if (this.#mixedScore < this.#start.int8Score) this.#takeBack([op.name, ...next], next);
    return undefined;
  }

  #takeBack(layers: readonly string[], replaced: readonly string[]): void {
    for (const layer of layers) this.#floatLayers.splice(this.#floatLayers.indexOf(layer), 1);
    for (const layer of replaced) this.#int8.release(layer);
  }

  /** Values that nothing reads after a position of the walk, by position. */
  #lastReaders(order: readonly string[]): Map<number, string[]> {
    const position = new Map(order.map((name, at) => [name, at]));
    const last = new Map<string, number>();
    for (const graph of [this.#int8.graph, this.#float.graph, this.#options.graph]) {
      for (const op of graph.ops) {
        const at = position.get(op.name) ?? 0;
        for (const name of op.inputs) if (name !== null) last.set(name, Math.max(last.get(name) ?? 0, at));
      }
    }
    const byPosition = new Map<number, string[]>();
    for (const [name, at] of last) byPosition.set(at, [...(byPosition.get(at) ?? []), name]);
    return byPosition;
  }
}

/** Operators of both lowered networks, those of the float one before the INT8 one's of the same name or later. */
export function mergedOrder(int8: Graph, float: Graph): string[] {
  const floatNames = float.ops.map(({ name }) => name);
  const position = new Map(floatNames.map((name, at) => [name, at]));
  const order = new Set<string>();
  let next = 0;
  for (const { name } of int8.ops) {
    const at = position.get(name);
    if (at === undefined) order.add(name);
    else {
      for (; next <= at; next++) order.add(floatNames[next]!);
    }
  }
  return [...order];
}

function readersOf(graph: Graph, name: string): readonly Op[] {
  return graph.ops.filter(({ inputs }) => inputs.includes(name));
}

/** What the operator reads, and what later ones read from before it. */
function crossingValues(graph: Graph, op: Op): string[] {
  const at = graph.ops.indexOf(op);
  const before = new Set(graph.ops.slice(0, at).flatMap(({ outputs }) => outputs));
  const read = graph.ops.slice(at).flatMap(({ inputs }) => inputs);
  return [...new Set(read.filter((name): name is string => name !== null && before.has(name)))];
}

function isUpstream(graph: Graph, layer: string, ends: readonly string[]): boolean {
  const producers = new Map(graph.ops.flatMap((op) => op.outputs.map((output) => [output, op] as const)));
  const queue = ends.flatMap((name) => producers.get(name) ?? []);
  const seen = new Set<string>();
  for (let op = queue.pop(); op !== undefined; op = queue.pop()) {
    for (const input of op.inputs) {
      const producer = input === null ? undefined : producers.get(input);
      if (producer === undefined || seen.has(producer.name)) continue;
      if (producer.name === layer) return true;
      seen.add(producer.name);
      queue.push(producer);
    }
  }
  return false;
}
