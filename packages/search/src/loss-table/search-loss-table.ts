import type { Graph, Plan, Precision } from '@q/ir';
import { PASSED_OVER } from '../newer-searches/passed-over-types.ts';
import { startOf, WholeTrials } from '../newer-searches/whole-trials.ts';
import { withFloatOps } from '../sensitivity/plan-edits.ts';
import { meanOf } from '../sensitivity/sample-score.ts';
import type { SearchOptions } from '../sensitivity/search-options.ts';
import { SearchStopped, untilStopped } from '../sensitivity/stop-clock.ts';

/** What one layer in float does to the loss of the INT8 network. */
export interface LayerLoss {
  readonly layer: string;
  /** −SQNR in dB of the outputs. */
  readonly loss: number;
}

export interface LossTableOutcome {
  /** Not a number when the search was stopped before. */
  readonly int8Loss: number;
  /** The largest improvement first. */
  readonly layers: readonly LayerLoss[];
  /** Layers that improve the loss by more than a twentieth, at most a quarter of all; the largest improvement first. */
  readonly floatLayers: readonly string[];
  readonly floatType: Precision;
  /** INT8 with the float layers, each with what it costs: the dB that the outputs gain with it in float. */
  readonly plan: Plan;
  /** Why not every layer was tried. */
  readonly stopped?: 'budget' | 'aborted';
}

export type LossTableOptions = Omit<SearchOptions, 'score' | 'expectedCos' | 'effort'>;

const WORTHWHILE = 0.05;
const MOST = 4;

/**
 * `run_qtable` of 2022 (search.md 8.4): each layer alone in float, in the INT8 network otherwise. The layers that improve the
 * outputs by more than 5 % are taken. (The original sorts the other way round, against what its manual says.)
 */
export async function searchLossTable(options: LossTableOptions): Promise<LossTableOutcome> {
  const { graph, onEvent } = options;
  const { plan, floatType } = startOf(options);
  const measured: Measured = { int8Loss: Number.NaN, layers: [] };
  const end = await untilStopped(() => measure(options, measured));
  const { int8Loss, layers } = measured;
  const sorted = layers.toSorted((a, b) => a.loss - b.loss);
  const floatLayers = worthwhile(sorted, int8Loss, graph);
  const gainOf = new Map(layers.map(({ layer, loss }) => [layer, int8Loss - loss]));
  const mixed = withFloatOps(plan, floatLayers, floatType, (name) => ({
    code: 'sensitivity',
    loss: gainOf.get(name)!,
  }));
  const found = { int8Loss, layers: sorted, floatLayers, floatType, plan: mixed };
  if (!(end instanceof SearchStopped)) return found;
  onEvent?.({ type: 'stopped', reason: end.reason });
  return { ...found, stopped: end.reason };
}

interface Measured {
  int8Loss: number;
  readonly layers: LayerLoss[];
}

/** Tries layer by layer; what is known is in `measured` also when it is stopped. */
async function measure(options: LossTableOptions, measured: Measured): Promise<void> {
  const { graph, samples } = options;
  const trials = await WholeTrials.open(options, 'own type', 'decibels');
  const { plan } = trials;
  const lossOf = (numbers: readonly (readonly number[])[]): number =>
    -meanOf(Float64Array.from(numbers, ([decibels]) => decibels!));
  const tried = graph.ops.filter(({ type }) => !PASSED_OVER.has(type)).map(({ name }) => name);
  const alone = (layer: string): Plan => trials.withFloat(plan, [layer]);
  try {
    measured.int8Loss = lossOf(await trials.measure(plan));
    for await (const [layer, numbers] of trials.measures(tried, alone)) {
      measured.layers.push({ layer, loss: lossOf(numbers) });
      const gains = measured.layers.map(({ layer: name, loss }) => ({ layer: name, loss: measured.int8Loss - loss }));
      const top = gains.map((gain) => ({ ...gain, samples: samples.length }));
      trials.tell('loss table', { done: measured.layers.length, total: tried.length }, top);
    }
  } finally {
    await trials.dispose();
  }
}

function worthwhile(sorted: readonly LayerLoss[], int8Loss: number, graph: Graph): string[] {
  const least = WORTHWHILE * Math.abs(int8Loss);
  const improving = sorted.filter(({ loss }) => int8Loss - loss > least).map(({ layer }) => layer);
  return improving.slice(0, Math.floor(graph.ops.length / MOST));
}
