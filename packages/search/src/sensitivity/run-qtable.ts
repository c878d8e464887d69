import { type Graph, isQError, type Op, type Plan, type Precision, type Reason } from '@q/ir';
import { pairSums, vendorSimilarity } from '../similarity.ts';
import { evaluateInFull, type FullEvaluation, referenceOutputs } from './full-evaluation.ts';
import { runMixed } from './mixed-run.ts';
import { withFloatOps } from './plan-edits.ts';
import { QtableRecords } from './qtable-records.ts';
import { noSamples, searchedLayers } from './run-sensitive-layer.ts';
import { meanOf, type SampleScore, similarityScore } from './sample-score.ts';
import { searchFingerprint } from './search-fingerprint.ts';
import type { SearchOptions } from './search-options.ts';
import { floatPlan } from './search-session.ts';
import { inputsOfSamples, MissingActivation, SteppedNetwork } from './stepped-network.ts';
import { SearchStopped, StopClock, untilStopped } from './stop-clock.ts';

/**
 * More than `expectedCos` ends the search as well. Every step needs the one before it, on all samples at once, so that a race
 * has nothing to drop; it runs in one thread.
 */
export interface QtableOptions extends Omit<SearchOptions, 'effort' | 'workers' | 'spawnWorker' | 'frontierBytes'> {
  /** Layers below this are put into float. Default 0.99. */
  readonly minLayerCos?: number;
}

export interface LayerCosine {
  readonly layer: string;
  /** Mean over samples of (1 + cosine) / 2 between the layer in INT8 and in float. */
  readonly cosine: number;
}

/** Why the walk over the layers ended. */
export type QtableEnd = 'reached' | 'too-many' | 'walked' | 'interrupted' | 'stopped';

export type QtableOutcome =
  | { readonly kind: 'sufficient'; readonly int8Score: number }
  | {
      readonly kind: 'searched';
      /** Not a number when the search was stopped before. */
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
      /** INT8 with the float layers: what each costs, which is 1 − its likeness, or behind which layer it is. */
      readonly plan: Plan;
      /** Why not everything was searched. */
      readonly stopped?: 'budget' | 'aborted';
    };

/**
 * `run_qtable` of TPU-MLIR (search.md 8.2): walks over the layers of the INT8 network, puts a layer that is too far from
 * float into float together with the layers behind it, and goes on with what those then give.
 *
 * The original means to skip Reshape, Softmax, MaxPool and other types, but compares the names of Top types with those of
 * lowered operators, so that only inputs are skipped (observed with v1.17). It is the same here.
 *
 * An interrupted search goes on from its journal: what layers and float sets scored is known then, the activations that
 * later layers need are made again.
 *
 * @throws QError `search.samples-missing`, `search.not-a-number`, `search.journal-differs`, and what lowering INT8, executing
 * and the metric throw.
 */
export async function runQtable(options: QtableOptions): Promise<QtableOutcome> {
  const { target, processor, graph, values, samples, expectedCos = 0.99, emit, onEvent } = options;
  if (samples.length === 0) throw noSamples();
  const clock = new StopClock(options);
  const plan: Plan = { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
  const int8 = target.lower(graph, plan, emit);
  const float = target.lower(graph, floatPlan(options));
  const records = await openRecords(options, [int8, float]);
  const scoring = new WholeScoring(options, { int8, float, records, clock });
  const int8Score = await untilStopped(() => scoring.int8Score());
  const outline = { plan, int8, float, records, clock, scoring };
  if (int8Score instanceof SearchStopped) return stoppedAtOnce(options, plan, int8Score.reason);
  onEvent?.({ type: 'int8-score', score: int8Score });
  if (int8Score > expectedCos) return { kind: 'sufficient', int8Score };
  const walk = await QtableWalk.open(options, { ...outline, int8Score });
  try {
    return await walk.run();
  } finally {
    walk.dispose();
  }
}

async function openRecords(options: QtableOptions, networks: readonly Graph[]): Promise<QtableRecords> {
  const { journal, samples, onEvent } = options;
  const fingerprint = journal === undefined ? undefined : await searchFingerprint(options, networks);
  const records = await QtableRecords.open({ journal, fingerprint, sampleCount: samples.length }, floatTypeOf(options));
  if (records.resumed > 0) onEvent?.({ type: 'resumed', scores: records.resumed });
  return records;
}

function floatTypeOf({ floatType, target, processor }: QtableOptions): Precision {
  return floatType ?? target.floatType(processor);
}

/** Without a score of INT8 there is nothing better than INT8. */
function stoppedAtOnce(options: QtableOptions, plan: Plan, reason: SearchStopped['reason']): QtableOutcome {
  options.onEvent?.({ type: 'stopped', reason });
  const none = { int8Score: Number.NaN, mixedScore: 0, layers: [], floatLayers: [] };
  return { kind: 'searched', ...none, floatType: floatTypeOf(options), end: 'stopped', plan, stopped: reason };
}

interface Networks {
  readonly int8: Graph;
  readonly float: Graph;
  readonly records: QtableRecords;
  readonly clock: StopClock;
}

/** Whole runs of the networks that the walk compares with; the reference is run when somebody asks for it. */
class WholeScoring {
  readonly #options: QtableOptions;
  readonly #networks: Networks;
  #evaluation: FullEvaluation | undefined;

  constructor(options: QtableOptions, networks: Networks) {
    this.#options = options;
    this.#networks = networks;
  }

  async int8Score(): Promise<number> {
    const { int8, records } = this.#networks;
    const known = records.known('int8');
    if (known !== undefined) return meanOf(known);
    const evaluation = await this.evaluation();
    this.#options.onEvent?.({ type: 'network', kind: 'int8' });
    const scores = await evaluateInFull(int8, evaluation);
    await records.keep('int8', scores);
    return meanOf(scores);
  }

  async evaluation(): Promise<FullEvaluation> {
    if (this.#evaluation !== undefined) return this.#evaluation;
    const { samples, score, compared, onEvent } = this.#options;
    const checkpoint = this.#networks.clock.check;
    onEvent?.({ type: 'network', kind: 'float' });
    const reference = await referenceOutputs(this.#networks.float, samples, compared, checkpoint);
    this.#evaluation = { samples, reference, checkpoint, ...(score && { score }), ...(compared && { compared }) };
    return this.#evaluation;
  }
}

interface WalkStart extends Networks {
  readonly plan: Plan;
  readonly scoring: WholeScoring;
  readonly int8Score: number;
}

type WalkEnd = {
  readonly end: QtableEnd;
  readonly interruption?: string;
  readonly stopped?: SearchStopped['reason'];
};

/** Layers that progress shows. */
const TOP = 5;

class QtableWalk {
  readonly #options: QtableOptions;
  readonly #start: WalkStart;
  readonly #floatType: Precision;
  readonly #int8: SteppedNetwork;
  readonly #float: SteppedNetwork;
  readonly #score: SampleScore;
  #floatLayers: string[] = [];
  /** Layers that became float for the sake of one before them. */
  readonly #neighbours = new Map<string, string>();
  readonly #layers: LayerCosine[] = [];
  #mixedScore = 0;

  private constructor(options: QtableOptions, start: WalkStart, int8: SteppedNetwork, float: SteppedNetwork) {
    this.#options = options;
    this.#start = start;
    this.#floatType = floatTypeOf(options);
    this.#int8 = int8;
    this.#float = float;
    this.#score = options.score ?? similarityScore();
  }

  static async open(options: QtableOptions, start: WalkStart): Promise<QtableWalk> {
    const inputs = await inputsOfSamples(options.samples);
    const int8 = await SteppedNetwork.open(start.int8, inputs);
    return new QtableWalk(options, start, int8, await SteppedNetwork.open(start.float, inputs));
  }

  async run(): Promise<QtableOutcome> {
    const { int8Score, plan } = this.#start;
    const { onEvent, graph } = this.#options;
    const lowered = searchedLayers(graph, this.#start.int8);
    onEvent?.({ type: 'layers', lowered, searched: lowered });
    const end = await this.#walk();
    if (end.stopped !== undefined) onEvent?.({ type: 'stopped', reason: end.stopped });
    const floatLayers = [...this.#floatLayers];
    return {
      kind: 'searched',
      int8Score,
      mixedScore: this.#mixedScore,
      layers: this.#layers,
      floatLayers,
      floatType: this.#floatType,
      ...end,
      plan: withFloatOps(plan, floatLayers, this.#floatType, (name) => this.#reasonOf(name)),
    };
  }

  #reasonOf(name: string): Reason {
    const judged = this.#layers.find(({ layer }) => layer === name);
    if (judged !== undefined) return { code: 'sensitivity', loss: 1 - judged.cosine };
    return { code: 'neighbour', of: this.#neighbours.get(name) ?? name };
  }

  dispose(): void {
    this.#int8.dispose();
    this.#float.dispose();
  }

  async #walk(): Promise<WalkEnd> {
    const order = mergedOrder(this.#int8.graph, this.#float.graph);
    const lastReader = this.#lastReaders(order);
    try {
      for (const [index, name] of order.entries()) {
        this.#start.clock.check();
        const end = await this.#visit(name);
        this.#tell(name, { done: index + 1, total: order.length });
        if (end !== undefined) return { end };
        for (const value of lastReader.get(index) ?? []) {
          this.#int8.release(value);
          this.#float.release(value);
        }
      }
    } catch (error) {
      if (error instanceof SearchStopped) return { end: 'stopped', stopped: error.reason };
      // The original swallows whatever happens and reports what it has.
      if (error instanceof MissingActivation) return { end: 'interrupted', interruption: error.message };
      if (isQError(error) && error.code.startsWith('lower.'))
        return { end: 'interrupted', interruption: error.message };
      throw error;
    }
    return { end: 'walked' };
  }

  #tell(label: string, work: { readonly done: number; readonly total: number }): void {
    const { emit, onEvent, samples } = this.#options;
    emit?.({ type: 'progress', task: 'qtable', ...work, label });
    if (onEvent === undefined) return;
    const worst = this.#layers.toSorted((a, b) => a.cosine - b.cosine).slice(0, TOP);
    const top = worst.map(({ layer, cosine }) => ({ layer, loss: 1 - cosine, samples: samples.length }));
    onEvent({ type: 'work', ...work, top });
  }

  async #visit(name: string): Promise<QtableEnd | undefined> {
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
    const cosine = await this.#layerCosine(name);
    this.#layers.push({ layer: name, cosine });
    return cosine < (this.#options.minLayerCos ?? 0.99) ? this.#putIntoFloat(op) : undefined;
  }

  /** With layers to compare, only what lies before them matters. */
  #counts(op: Op): boolean {
    const { compared, graph } = this.#options;
    return compared === undefined || isUpstream(graph, op.name, compared);
  }

  async #layerCosine(name: string): Promise<number> {
    const { records } = this.#start;
    const what = `layer ${name}`;
    const known = records.known(what);
    if (known !== undefined) return meanOf(known);
    const cosines = Float64Array.from({ length: this.#options.samples.length }, (_, sample) =>
      vendorSimilarity(pairSums(this.#int8.reals(sample, name), this.#float.reals(sample, name))),
    );
    await records.keep(what, cosines);
    return meanOf(cosines);
  }

  async #putIntoFloat(op: Op): Promise<QtableEnd | undefined> {
    const { graph, expectedCos = 0.99, onEvent } = this.#options;
    const { records, int8Score } = this.#start;
    const before = this.#floatLayers;
    const next = readersOf(graph, op.name).map(({ name }) => name);
    const floatLayers = [...before, op.name, ...next];
    const known = records.known(`float ${op.name}`);
    const scores = known ?? (await this.#tryFloat(op, floatLayers, next));
    if (known === undefined) await records.keep(`float ${op.name}`, scores);
    this.#floatLayers = floatLayers;
    for (const layer of next) this.#neighbours.set(layer, op.name);
    this.#mixedScore = meanOf(scores);
    onEvent?.({ type: 'mixed', count: floatLayers.length, floatLayers, score: this.#mixedScore });
    if (this.#mixedScore > expectedCos) return 'reached';
    if (floatLayers.length > Math.floor(graph.ops.length / 4)) return 'too-many';
    const isTakenBack = this.#mixedScore < int8Score;
    if (isTakenBack) {
      this.#floatLayers = before;
      for (const layer of next) this.#int8.release(layer);
    } else if (known !== undefined) await this.#tryFloat(op, floatLayers, next);
    records.decided(`${op.name} ${isTakenBack ? 'back' : 'float'}`);
    return undefined;
  }

  /** Scores the network with these layers in float; the codes behind them are what later layers read. */
  async #tryFloat(op: Op, floatLayers: readonly string[], next: readonly string[]): Promise<Float64Array> {
    const { graph, samples, target, compared, onEvent } = this.#options;
    const { plan, scoring, clock } = this.#start;
    const mixed = target.lower(
      graph,
      withFloatOps(plan, floatLayers, this.#floatType, () => ({ code: 'default' })),
    );
    const isFloat = new Set(floatLayers);
    const crossing = new Map(
      crossingValues(graph, op).map((name) => [name, isFloat.has(name) ? ('float' as const) : ('int8' as const)]),
    );
    const { reference } = await scoring.evaluation();
    onEvent?.({ type: 'network', kind: 'mixed' });
    const scores = new Float64Array(samples.length);
    const run = { mixed, int8: this.#int8, float: this.#float, crossing, requantized: next, compared };
    runMixed(run, samples.length, (sample, { outputs, codes }) => {
      clock.check();
      scores[sample] = this.#score(reference[sample]!, outputs);
      for (const layer of next) this.#int8.replace(sample, layer, codes.get(layer) ?? null);
    });
    return scores;
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
