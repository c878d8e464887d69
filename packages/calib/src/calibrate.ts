import type { Dataset } from '@q/dataset';
import { type CalibrationTable, type Emit, formatFixed7, type Graph, QError } from '@q/ir';
import { type CalibratedValue, toTable } from './calibration-table.ts';
import { absMaxAt, decideAs, decideEach, type Gathered } from './decisions.ts';
import { gather, gatherSaved, planFor, toSaved } from './gather.ts';
import { type KurtosisRow, kurtosisRows } from './kurtosis-report.ts';
import { type ObservedValue, observedValues } from './observed-values.ts';
import { type CalibrationOptions, type CalibrationSettings, resolveOptions } from './options.ts';
import type { ProfileName } from './profile.ts';
import type { SavedStatistics } from './saved/saved-statistics.ts';
import { startDecisions } from './start-table.ts';
import { asymmetricGroups } from './thresholds/asymmetric.ts';
import type { Decision } from './thresholds/decide.ts';
import { type MethodName, methodTable } from './thresholds/method-table.ts';
import type { ScanRange } from './tune/scan.ts';
import { type MeasureScans, tune, tuneSampleCount } from './tune/tune.ts';
import { tuneAccumulated } from './tune/tune-accumulated.ts';
import { openPool } from './workers/calibration-pool.ts';
import { scanInWorkers } from './workers/scan-in-workers.ts';

/** The outcome of a calibration. */
export interface Calibration {
  /** What a `cali_table` file says, header included. */
  readonly table: CalibrationTable;
  /** Thresholds with full precision, by value name, in the order of the table. */
  readonly values: ReadonlyMap<string, CalibratedValue>;
  readonly method: MethodName;
  readonly profile: ProfileName;
  /** Samples that were seen: batches, not images. */
  readonly sampleCount: number;
  /** With `kurtosis`: largest first. */
  readonly kurtosis?: readonly KurtosisRow[];
  /** With `keepStatistics`: everything that was collected. */
  readonly statistics?: SavedStatistics;
}

/**
 * Finds the threshold and the range of every value of a float network on calibration samples (calibration.md 4 to 7).
 *
 * @throws QError `calib.option`, `calib.profile`, `calib.graph`, `calib.non-finite`, `calib.statistics.*`; and those of the
 * dataset and the runtime
 */
export async function calibrate(
  graph: Graph,
  dataset: Dataset,
  options: CalibrationOptions = {},
): Promise<Calibration> {
  const settings = resolveOptions(dataset, options);
  checkGraph(graph);
  const observed = observedValues(graph);
  const groups = settings.partAsymmetric ? asymmetricGroups(graph) : NO_GROUPS;
  const plan = planFor(observed, settings, groups.values);
  const workers = Math.min(settings.workers, settings.sampleCount);
  const isShared = workers > 1 && (isCollected(settings) || isTuned(settings));
  const pool = isShared ? await openPool(workers, graph, plan, settings.spawnWorker) : undefined;
  const measure = pool === undefined ? undefined : scanInWorkers(pool);
  try {
    if (settings.startTable !== undefined) {
      const decisions = startDecisions(settings.startTable, observed.values);
      return await finish(graph, settings, observed.values, decisions, { measure });
    }
    announce(settings);
    const gathered =
      settings.statistics === undefined
        ? await gather(graph, settings, plan, pool)
        : await gatherSaved(graph, settings, observed);
    const decisions = decideEach(settings, observed.values, gathered, groups.values);
    const calibration = await finish(graph, settings, observed.values, decisions, {
      measure,
      gathered,
      asymmetric: groups.layers,
    });
    return {
      ...calibration,
      ...(settings.kurtosis && gathered.kind === 'era'
        ? { kurtosis: kurtosisRows(observed.values, gathered.statistics) }
        : {}),
      ...(settings.keepStatistics !== false ? { statistics: await toSaved(graph, settings, observed, gathered) } : {}),
    };
  } finally {
    await pool?.dispose();
  }
}

const NO_GROUPS = { values: new Set<string>(), layers: [] as readonly string[] };

/** Does any sample have to be seen for statistics? */
function isCollected({ statistics, startTable }: CalibrationSettings): boolean {
  return statistics === undefined && startTable === undefined;
}

function isTuned({ tuneNum, methodName, startTable }: CalibrationSettings): boolean {
  return tuneNum > 0 && (methodTable[methodName].tunable || startTable !== undefined);
}

function checkGraph(graph: Graph): void {
  if (graph.state === 'TOP_F32') return;
  throw new QError(`The network ${graph.name} is ${graph.state}; calibration takes the float one.`, {
    code: 'calib.graph',
    where: graph.name,
    found: graph.state,
    expected: 'TOP_F32',
    hint: 'give the .mlir that model_transform wrote',
  });
}

/** What the last steps need besides the decisions. */
interface Remaining {
  readonly measure: MeasureScans | undefined;
  readonly gathered?: Gathered;
  readonly asymmetric?: readonly string[];
}

/** Tunes the decisions and puts them into a table. */
async function finish(
  graph: Graph,
  settings: CalibrationSettings,
  observed: readonly ObservedValue[],
  decisions: readonly Decision[],
  { measure, gathered, asymmetric = [] }: Remaining,
): Promise<Calibration> {
  const raised = await tuneThresholds(graph, settings, observed, decisions, measure);
  const values = new Map(
    observed.map(({ name }, at): [string, CalibratedValue] => {
      const { threshold, min, max, tuneLimit } = decisions[at]!;
      const absMax = gathered === undefined ? tuneLimit : absMaxAt(gathered, at);
      return [name, { threshold: raised.get(name) ?? threshold, untuned: threshold, min, max, absMax }];
    }),
  );
  const basis = gathered && { values: observed, gathered, asymmetric: new Set(asymmetric) };
  const four = settings.bits === 4 && basis ? decideAs(4, settings, basis) : undefined;
  const { methodName: method, profile, sampleCount } = settings;
  const table = toTable(values, settings, { asymmetric, four });
  return { table, values, method, profile: profile.name, sampleCount };
}

/** Runs the tuner on the thresholds as a table would say them, where the method leaves it room. */
async function tuneThresholds(
  graph: Graph,
  settings: CalibrationSettings,
  values: readonly ObservedValue[],
  decisions: readonly Decision[],
  measure: MeasureScans | undefined,
): Promise<ReadonlyMap<string, number>> {
  const { tuneNum, tuneDataset, profile, emit, tuner } = settings;
  if (!isTuned(settings)) return new Map();
  const ranges = new Map(
    values.map(({ name }, at): [string, ScanRange] => {
      const { threshold, tuneLimit, min, max } = decisions[at]!;
      const printed = Math.max(Math.abs(Number(formatFixed7(min))), Math.abs(Number(formatFixed7(max))));
      const limit = profile.tuneLimit === 'table' ? printed : tuneLimit;
      return [name, { start: Number(formatFixed7(threshold)), limit }];
    }),
  );
  // Without a list of its own the tuner takes the first of the samples that were calibrated on.
  const available = tuneDataset === settings.dataset ? settings.sampleCount : tuneDataset.length;
  const sampleCount = tuneSampleCount(graph, tuneDataset.kind, tuneNum, available);
  const job = { graph, dataset: tuneDataset, sampleCount, ranges, rules: tuner, choice: profile.tuneChoice, emit };
  return tuner.accumulate ? timed(emit, () => tuneAccumulated(job)) : timed(emit, () => tune(job, measure));
}

/** Does the tuner's work and says how long it took, as the original does. */
async function timed<T>(emit: Emit, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  emit({ type: 'line', text: `auto tune end, run time:${(performance.now() - began) / 1000}` });
  return result;
}

/** The lines that the original prints once its samples are loaded (calibration.md 2.4). */
function announce({ sampleCount, emit }: CalibrationSettings): void {
  emit({ type: 'line', text: `input_num = ${sampleCount}, ref = ${sampleCount}` });
  emit({ type: 'line', text: `real input_num = ${sampleCount}` });
}
