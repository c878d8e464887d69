import type { Graph, Plan } from '@q/ir';
import { LayerRace } from './layer-race.ts';
import { loweredScores } from './plan-scores.ts';
import type { SearchOptions } from './search-options.ts';
import type { SearchSession } from './search-session.ts';
import {
  checkThresholds,
  type LayerSensitivity,
  type MethodThresholds,
  measureLayers,
  rankLayers,
} from './sensitive-layers.ts';
import { SearchStopped, untilStopped } from './stop-clock.ts';

/** What layers cost, as far as somebody asked; in a race, asking is what makes it known. */
export interface LayerMeasurement {
  /** False also where a race was asked for that samples do not allow. */
  readonly isRace: boolean;
  /** In the network's order. */
  layers(): readonly LayerSensitivity[];
  /** INT8 with the thresholds that were chosen. */
  plan(): Plan;
  /** The ranking, sure of no place in a race. */
  sketch(): Promise<readonly LayerSensitivity[]>;
  /** The ranking, sure in its first `count` places; thresholds that few samples decide are decided then. */
  settle(count: number): Promise<readonly LayerSensitivity[]>;
  /** Why not all that was asked for is known. */
  stopped(): SearchStopped['reason'] | undefined;
}

/** Times the median loss of a sample in INT8 that none may cost for samples to be of one kind. */
const UNLIKE = 3;

/**
 * Can what other samples say be inferred from some? Not where a few have most of the mean: a race that has not seen them
 * cannot know. The whole network in INT8, which every search scores on all samples, tells.
 */
async function likenessOf({ options, plan, scores }: SearchSession): Promise<SampleLikeness> {
  const [found] = await scores.scores([options.target.lower(options.graph, plan)]);
  const losses = [...found!].map((score) => 1 - score);
  const median = losses.toSorted((a, b) => a - b)[Math.floor(losses.length / 2)]!;
  const largest = Math.max(...losses);
  return { areAlike: largest <= UNLIKE * median, sample: losses.indexOf(largest), loss: largest, median };
}

interface SampleLikeness {
  readonly areAlike: boolean;
  /** The sample that costs most in INT8, and what that is. */
  readonly sample: number;
  readonly loss: number;
  readonly median: number;
}

/** Tries layers, exhaustively or as a race; exhaustively, too, when a race would have to guess. */
export async function measureIn(
  session: SearchSession,
  methods: readonly MethodThresholds[],
): Promise<LayerMeasurement> {
  checkThresholds({ layers: session.layers, methods });
  if (session.options.effort !== 'racing') return exhaust(session, methods);
  const likeness = await untilStopped(() => likenessOf(session));
  if (likeness instanceof SearchStopped || likeness.areAlike) return race(session, methods);
  const { sample, loss, median } = likeness;
  session.options.onEvent?.({ type: 'not-raced', sample, loss, median });
  return exhaust(session, methods);
}

async function exhaust(session: SearchSession, methods: readonly MethodThresholds[]): Promise<LayerMeasurement> {
  const { target, graph, emit, onEvent } = session.options;
  const { plan, floatType, layers } = session;
  const scorer = loweredScores(target, graph, session.scores);
  const search = { graph, plan, floatType, layers, methods, scorer, ...(emit && { emit }) };
  const found = await measureLayers({ ...search, ...(onEvent && { onEvent }) });
  const ranking = rankLayers(found.layers);
  return {
    isRace: false,
    layers: () => found.layers,
    plan: () => found.plan,
    sketch: async () => ranking,
    settle: async () => ranking,
    stopped: () => found.stopped,
  };
}

async function race(session: SearchSession, methods: readonly MethodThresholds[]): Promise<LayerMeasurement> {
  const { onEvent } = session.options;
  const running = new LayerRace(
    session.space(methods),
    onEvent && ((progress) => onEvent({ type: 'work', ...progress })),
  );
  let stopped: SearchStopped['reason'] | undefined;
  const until = async (work: () => Promise<void>): Promise<readonly LayerSensitivity[]> => {
    const end = await untilStopped(work);
    if (end instanceof SearchStopped) stopped = end.reason;
    return rankLayers(running.layers);
  };
  const ranks = (count: number): number[] => ranksThatCount(count, session.options.graph);
  return {
    isRace: true,
    layers: () => running.layers,
    plan: () => running.plan,
    sketch: () => until(() => running.sketch()),
    settle: (count) =>
      until(async () => {
        for (const rank of ranks(count)) await running.settle(rank);
        await running.decide();
      }),
    stopped: () => stopped,
  };
}

/** With partners of Conv and Scale among the picked, the order of the ranking decides what is picked, not only the set. */
function ranksThatCount(count: number, graph: Graph): number[] {
  const hasPartners = graph.ops.some(({ type }) => type === 'top.Scale');
  return hasPartners ? Array.from({ length: count }, (_, index) => index + 1) : [count];
}

/** Events of a finished measurement: layers of a race, which are not known one after the other, and the ranking. */
export function tellMeasurement(measurement: LayerMeasurement, { onEvent }: SearchOptions): void {
  if (onEvent === undefined) return;
  if (measurement.isRace) for (const sensitivity of measurement.layers()) onEvent({ type: 'layer', sensitivity });
  onEvent({ type: 'ranking', ranking: rankLayers(measurement.layers()) });
  const reason = measurement.stopped();
  if (reason !== undefined) onEvent({ type: 'stopped', reason });
}

/** Why a search ended early, if it did; told here where a float set was being scored then. */
export function stopReason(session: SearchSession, measurement: LayerMeasurement): SearchStopped['reason'] | undefined {
  const before = measurement.stopped();
  const { stopped: reason, options } = session;
  if (before === undefined && reason !== undefined) options.onEvent?.({ type: 'stopped', reason });
  return before ?? reason;
}
