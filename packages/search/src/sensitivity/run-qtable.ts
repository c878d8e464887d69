import { type Graph, isQError, type Op, type Plan, type Precision, type Reason } from '@q/ir';
import { withFloatOps } from './plan-edits.ts';
import { QtableRecords } from './qtable-records.ts';
import { LocalQtableSamples, type QtableSamples } from './qtable-samples.ts';
import { noSamples, searchedLayers } from './run-sensitive-layer.ts';
import { meanOf } from './sample-score.ts';
import { searchFingerprint } from './search-fingerprint.ts';
import type { SearchOptions } from './search-options.ts';
import { floatPlan } from './search-session.ts';
import { MissingActivation } from './stepped-network.ts';
import { SearchStopped, StopClock, untilStopped } from './stop-clock.ts';
import { PooledQtableSamples } from './workers/pooled-qtable-samples.ts';

/**
 * More than `expectedCos` ends the search as well. Every step needs the one before it, on all samples at once, so that a race
 * has nothing to drop.
 */
export interface QtableOptions extends Omit<SearchOptions, 'effort' | 'frontierBytes'> {
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
  const samplesOf = await openQtableSamples(options, { int8, float, clock });
  try {
    const scoring = { int8, float, records, clock, samples: samplesOf };
    const int8Score = await untilStopped(() => scoreOfInt8(options, scoring));
    if (int8Score instanceof SearchStopped) return stoppedAtOnce(options, plan, int8Score.reason);
    onEvent?.({ type: 'int8-score', score: int8Score });
    if (int8Score > expectedCos) return { kind: 'sufficient', int8Score };
    return await new QtableWalk(options, { ...scoring, plan, int8Score }).run();
  } finally {
    await samplesOf.dispose();
  }
}

/** In workers, unless there are none or the metric is a function, which only this thread has. */
async function openQtableSamples(
  { samples, score, compared, workers = 1, spawnWorker: spawn }: QtableOptions,
  { int8, float, clock }: Pick<Networks, 'int8' | 'float' | 'clock'>,
): Promise<QtableSamples> {
  const networks = { int8, float, samples, compared, checkpoint: clock.check };
  if (workers <= 1 || samples.length <= 1 || score !== undefined) return new LocalQtableSamples({ ...networks, score });
  return PooledQtableSamples.open({ ...networks, workers, spawn });
}

async function scoreOfInt8({ onEvent }: QtableOptions, { records, samples }: Networks): Promise<number> {
  const known = records.known('int8');
  if (known !== undefined) return meanOf(known);
  onEvent?.({ type: 'network', kind: 'float' });
  onEvent?.({ type: 'network', kind: 'int8' });
  const scores = await samples.int8Scores();
  await records.keep('int8', scores);
  return meanOf(scores);
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
  readonly samples: QtableSamples;
}

interface WalkStart extends Networks {
  readonly plan: Plan;
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
  #floatLayers: string[] = [];
  /** Layers that became float for the sake of one before them. */
  readonly #neighbours = new Map<string, string>();
  readonly #layers: LayerCosine[] = [];
  #mixedScore = 0;

  constructor(options: QtableOptions, start: WalkStart) {
    this.#options = options;
    this.#start = start;
    this.#floatType = floatTypeOf(options);
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

  async #walk(): Promise<WalkEnd> {
    const { int8, float, samples } = this.#start;
    const order = mergedOrder(int8, float);
    const lastReader = this.#lastReaders(order);
    try {
      for (const [index, name] of order.entries()) {
        this.#start.clock.check();
        const end = await this.#visit(name);
        this.#tell(name, { done: index + 1, total: order.length });
        if (end !== undefined) return { end };
        const over = lastReader.get(index) ?? [];
        if (over.length > 0) await samples.release({ int8: over, float: over });
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
    const { int8, float, samples, records } = this.#start;
    const hasInt8Reader =
      hasOp(int8, name) && readersOf(int8, name).some((reader) => !this.#floatLayers.includes(reader.name));
    const op = this.#options.graph.ops.find((candidate) => candidate.name === name);
    const isJudged =
      op !== undefined &&
      op.type !== 'top.Input' &&
      hasInt8Reader &&
      !this.#floatLayers.includes(name) &&
      this.#counts(op);
    const what = `layer ${name}`;
    const known = isJudged ? records.known(what) : undefined;
    const step = { name, int8: hasInt8Reader, float: hasOp(float, name), isJudged: isJudged && known === undefined };
    const found = step.int8 || step.float ? await samples.visit(step) : new Float64Array(0);
    if (!isJudged) return undefined;
    if (known === undefined) await records.keep(what, found);
    const cosine = meanOf(known ?? found);
    this.#layers.push({ layer: name, cosine });
    return cosine < (this.#options.minLayerCos ?? 0.99) ? this.#putIntoFloat(op) : undefined;
  }

  /** With layers to compare, only what lies before them matters. */
  #counts(op: Op): boolean {
    const { compared, graph } = this.#options;
    return compared === undefined || isUpstream(graph, op.name, compared);
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
      await this.#start.samples.release({ int8: next, float: [] });
    } else if (known !== undefined) await this.#tryFloat(op, floatLayers, next);
    records.decided(`${op.name} ${isTakenBack ? 'back' : 'float'}`);
    return undefined;
  }

  /** Scores the network with these layers in float; the codes behind them are what later layers read. */
  async #tryFloat(op: Op, floatLayers: readonly string[], next: readonly string[]): Promise<Float64Array> {
    const { graph, target, onEvent } = this.#options;
    const { plan, samples } = this.#start;
    const mixed = target.lower(
      graph,
      withFloatOps(plan, floatLayers, this.#floatType, () => ({ code: 'default' })),
    );
    const isFloat = new Set(floatLayers);
    const crossing = new Map(
      crossingValues(graph, op).map((name) => [name, isFloat.has(name) ? ('float' as const) : ('int8' as const)]),
    );
    onEvent?.({ type: 'network', kind: 'mixed' });
    return samples.tryFloat({ mixed, crossing, requantized: next });
  }

  /** Values that nothing reads after a position of the walk, by position. */
  #lastReaders(order: readonly string[]): Map<number, string[]> {
    const position = new Map(order.map((name, at) => [name, at]));
    const last = new Map<string, number>();
    for (const graph of [this.#start.int8, this.#start.float, this.#options.graph]) {
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

function hasOp(graph: Graph, name: string): boolean {
  return graph.ops.some((op) => op.name === name);
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
