import { DEFAULT_PERCENTILE, HISTOGRAM_BINS, percentileRanks, type RangeLimits, selectRanks } from '@q/calib';
import { type Emit, type Graph, QError } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import type { CalibrationType, Extensions } from '../config/settings.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
import { pooledPercentiles } from './pooled-percentiles.ts';
import type { RangeMessage } from './range-task.ts';
import { type SearchWorkers, searchRanges } from './search-ranges.ts';

/** How the range of one value is found. */
export interface ObserverSettings {
  readonly type: CalibrationType;
  readonly percentile?: number;
  /** Percentiles of all batches as one instead of the mean of every batch's. */
  readonly isPooled?: boolean;
  /** Honoured by the searching types only (spacemit.md 7.5). */
  readonly limits?: RangeLimits;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface ObservationRequest {
  /** The network with quantized constants and float activations (spacemit.md 8.4). */
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, ObserverSettings>;
  readonly data: CalibrationData;
  readonly klMode: Extensions['klMode'];
  /** Limit of the time that the search may take; measured, so that results may depend on the machine. */
  readonly maxSeconds?: number;
  readonly workers?: SearchWorkers;
  readonly emit: Emit;
}

const searches = ({ type }: ObserverSettings) => type === 'default' || type === 'kl' || type === 'mse';
const wantsHistogram = (settings: ObserverSettings) =>
  searches(settings) || (settings.type === 'percentile' && settings.isPooled === true);

/**
 * The calibrated range of every value (spacemit.md 8.2, 8.3): one pass over the batches for `minmax` and `percentile`, a
 * second one for histograms.
 *
 * @throws QError `xquant.non-finite`
 */
export async function observeRanges(request: ObservationRequest): Promise<Map<string, Range>> {
  const started = performance.now();
  const session = await createSession(request.graph, { nonFinite: 'allow' });
  const observers = new Map([...request.values].map(([name, settings]) => [name, new ValueObserver(name, settings)]));
  const result = session.allocate(8);
  try {
    await pass(request, session, 'ranges', (name, values, pointer) => {
      const observer = observers.get(name);
      if (observer === undefined || values().length === 0) return;
      session.kernels.exports.stats_minmax(pointer, values().length, result);
      const [min, max] = new Float32Array(session.kernels.memory.buffer, result, 2);
      observer.extremes(min!, max!);
      if (observer.wantsPercentiles) observer.percentiles(values());
    });
    const hasHistograms = [...request.values.values()].some(wantsHistogram);
    const seconds = (performance.now() - started) / 1000;
    if (hasHistograms && exceeds(request, seconds)) {
      for (const observer of observers.values()) observer.fallBack();
    } else if (hasHistograms) {
      await pass(request, session, 'histograms', (name, values) => observers.get(name)?.count(values()));
    }
  } finally {
    session.release(result);
    session.dispose();
  }
  return rangesOf(observers, request);
}

async function rangesOf(
  observers: ReadonlyMap<string, ValueObserver>,
  { klMode, workers, emit }: ObservationRequest,
): Promise<Map<string, Range>> {
  for (const [name, { isEmpty }] of observers) {
    const message = `None value detected at var ${name}`;
    if (isEmpty) emit({ type: 'warning', code: 'xquant.calibration.empty', where: name, message });
  }
  const searched = [...observers.values()].map((observer) => observer.search(klMode));
  const found = searchRanges(
    searched.filter((message) => message !== undefined),
    workers ?? {},
  );
  const ranges = new Map<string, Range>();
  let index = 0;
  for (const [name, observer] of observers) {
    const range = searched[index++] === undefined ? observer.plainRange() : (await found.next()).value!;
    ranges.set(name, range);
    emit({ type: 'progress', task: 'Range search', done: ranges.size, total: observers.size, label: name });
  }
  await found.return();
  return ranges;
}

/** Whether a second pass, which takes as long as the first and a search per value, ends too late. */
function exceeds({ maxSeconds, values, emit }: ObservationRequest, firstPass: number): boolean {
  if (maxSeconds === undefined) return false;
  const estimate = 2 * firstPass + SECONDS_PER_SEARCH * values.size;
  if (estimate <= maxSeconds) return false;
  const message =
    `calibration would take about ${estimate.toFixed(1)} s, more than maxSeconds ${maxSeconds}: ` +
    'the percentiles of the first pass are used';
  emit({ type: 'warning', code: 'xquant.calibration.time', where: 'q_parameters.maxSeconds', message });
  return true;
}

/** About what one value's search takes. */
const SECONDS_PER_SEARCH = 0.01;

type Look = (name: string, values: () => Float32Array, pointer: number) => void;

async function pass({ data, emit }: ObservationRequest, session: Session, task: string, look: Look): Promise<void> {
  for (let i = 0; i < data.length; i++) {
    session.run(await data.batch(i), (name, pointer, length) => {
      look(name, () => new Float32Array(session.kernels.memory.buffer, pointer, length), pointer);
    });
    emit({ type: 'progress', task: 'Runtime Calibration(BlockWise)', done: i + 1, total: data.length, label: task });
  }
}

/** Scale 1 and zero point 0: what a tensor without elements gets (spacemit.md 2.7). */
const ONE_PER_STEP: Range = { min: -128, max: 127 };

/** What the batches say about one value. */
class ValueObserver {
  readonly wantsPercentiles: boolean;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #low = 0;
  #high = 0;
  #batches = 0;
  #counts: Float64Array | undefined;

  constructor(
    private readonly name: string,
    private settings: ObserverSettings,
  ) {
    this.wantsPercentiles = settings.type !== 'minmax';
  }

  /** Nothing was seen: the tensor has no elements. */
  get isEmpty(): boolean {
    return this.#min > this.#max;
  }

  /** Does without the histogram. */
  fallBack(): void {
    if (wantsHistogram(this.settings)) this.settings = { ...this.settings, type: 'percentile', isPooled: false };
  }

  extremes(min: number, max: number): void {
    if (!Number.isFinite(min) || !Number.isFinite(max)) {
      throw new QError(`${this.name} is not finite on the calibration data.`, {
        code: 'xquant.non-finite',
        where: this.name,
        found: `[${min}, ${max}]`,
        expected: 'finite activations',
        hint: 'check mean_value, std_value and the data',
      });
    }
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
  }

  percentiles(values: Float32Array): void {
    const { low, high } = percentileRanks(values.length, this.settings.percentile);
    const [lowest, highest] = selectRanks(values, [low, high]) as [number, number];
    this.#low += lowest;
    this.#high += highest;
    this.#batches++;
  }

  count(values: Float32Array): void {
    if (!wantsHistogram(this.settings) || this.#max === this.#min) return;
    this.#counts ??= new Float64Array(HISTOGRAM_BINS);
    const factor = HISTOGRAM_BINS / (this.#max - this.#min);
    const [counts, min, last] = [this.#counts, this.#min, HISTOGRAM_BINS - 1];
    for (let i = 0; i < values.length; i++) {
      const bin = Math.trunc((values[i]! - min) * factor);
      counts[Math.min(bin, last)]!++;
    }
  }

  /** The range of what is not searched. */
  plainRange(): Range {
    if (this.isEmpty) return ONE_PER_STEP;
    const { type, isPooled, percentile = DEFAULT_PERCENTILE } = this.settings;
    const whole = { min: this.#min, max: this.#max };
    if (type === 'minmax') return whole;
    if (isPooled === true)
      return this.#counts === undefined ? whole : pooledPercentiles(this.#counts, whole, percentile);
    return { min: this.#low / this.#batches, max: this.#high / this.#batches };
  }

  /** The search for the range, if there is one. */
  search(klMode: Extensions['klMode']): RangeMessage | undefined {
    const { type, limits = {} } = this.settings;
    if (this.isEmpty || type === 'minmax' || type === 'percentile') return undefined;
    const [percentileMin, percentileMax] = [this.#low / this.#batches, this.#high / this.#batches];
    const counts = this.#counts ?? new Float64Array(HISTOGRAM_BINS);
    const tensor = { counts, min: this.#min, max: this.#max, percentileMin, percentileMax };
    return { tensor, options: { objective: type, klMode, limits } };
  }
}
