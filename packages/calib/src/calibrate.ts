import type { Dataset } from '@q/dataset';
import { type CalibrationTable, formatFixed7, type Graph, QError } from '@q/ir';
import { type CalibratedValue, toTable } from './calibration-table.ts';
import { type ObservedValue, observedValues } from './observed-values.ts';
import { type CalibrationOptions, type CalibrationSettings, resolveOptions } from './options.ts';
import type { ProfileName } from './profile.ts';
import { type CollectionJob, collectStatistics } from './statistics/collect.ts';
import { planCollection } from './statistics/collection-plan.ts';
import type { ValueStatistics } from './statistics/value-statistics.ts';
import { type Decision, decide } from './thresholds/decide.ts';
import { type MethodName, methodTable } from './thresholds/method-table.ts';
import type { ScanRange } from './tune/scan.ts';
import { type MeasureScans, tune, tuneSampleCount } from './tune/tune.ts';
import { openPool } from './workers/calibration-pool.ts';
import { collectInWorkers } from './workers/collect-in-workers.ts';
import { scanInWorkers } from './workers/scan-in-workers.ts';

const ZERO_SAMPLE =
  'in at least one sample every value is zero, for which mse has no threshold; as in TPU-MLIR v1.9, the layer gets 1e-5 ' +
  '(leave such samples out, or use another method)';

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
}

/**
 * Finds the threshold and the range of every value of a float network on calibration samples (calibration.md 4 to 7).
 *
 * @throws QError `calib.option`, `calib.profile`, `calib.graph`, `calib.non-finite`; and those of the dataset and the runtime
 */
export async function calibrate(
  graph: Graph,
  dataset: Dataset,
  options: CalibrationOptions = {},
): Promise<Calibration> {
  const settings = resolveOptions(dataset, options);
  checkGraph(graph);
  announce(settings);
  const observed = observedValues(graph);
  const { profile, sampleCount } = settings;
  const { needs } = methodTable[settings.methodName];
  const plan = planCollection(observed, needs, { sampleCount, percentileTails: profile.percentileTails });
  const job: CollectionJob = {
    graph,
    dataset: settings.dataset,
    sampleCount,
    plan,
    statistics: profile.statistics,
    histogramBins: settings.histogramBins,
    emit: settings.emit,
  };
  const workers = Math.min(settings.workers, sampleCount);
  const pool = workers > 1 ? await openPool(workers, graph, plan, settings.spawnWorker) : undefined;
  try {
    const statistics = pool === undefined ? await collectStatistics(job) : await collectInWorkers(job, pool);
    const decisions = decideEach(settings, observed.values, statistics);
    const measure = pool === undefined ? undefined : scanInWorkers(pool);
    const raised = await tuneThresholds(graph, settings, observed.values, decisions, measure);
    const values = new Map(
      observed.values.map(({ name }, at): [string, CalibratedValue] => {
        const { threshold, min, max } = decisions[at]!;
        const { absMax } = statistics[at]!;
        return [name, { threshold: raised.get(name) ?? threshold, untuned: threshold, min, max, absMax }];
      }),
    );
    return {
      table: toTable(values, settings),
      values,
      method: settings.methodName,
      profile: profile.name,
      sampleCount,
    };
  } finally {
    await pool?.dispose();
  }
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

/** Runs the tuner on the thresholds as a table would say them, where the method leaves it room. */
async function tuneThresholds(
  graph: Graph,
  settings: CalibrationSettings,
  values: readonly ObservedValue[],
  decisions: readonly Decision[],
  measure: MeasureScans | undefined,
): Promise<ReadonlyMap<string, number>> {
  const { tuneNum, tuneDataset, profile, emit, methodName } = settings;
  if (tuneNum === 0 || !methodTable[methodName].tunable) return new Map();
  const ranges = new Map(
    values.map(({ name }, at): [string, ScanRange] => {
      const { threshold, tuneLimit } = decisions[at]!;
      return [name, { start: Number(formatFixed7(threshold)), limit: tuneLimit }];
    }),
  );
  // Without a list of its own the tuner takes the first of the samples that were calibrated on.
  const available = tuneDataset === settings.dataset ? settings.sampleCount : tuneDataset.length;
  const sampleCount = tuneSampleCount(graph, tuneDataset.kind, tuneNum, available);
  return tune({ graph, dataset: tuneDataset, sampleCount, ranges, steps: profile.tuneSteps, emit }, measure);
}

/** The lines that the original prints once its samples are loaded (calibration.md 2.4). */
function announce({ sampleCount, emit }: CalibrationSettings): void {
  emit({ type: 'line', text: `input_num = ${sampleCount}, ref = ${sampleCount}` });
  emit({ type: 'line', text: `real input_num = ${sampleCount}` });
}

function decideEach(
  settings: CalibrationSettings,
  values: readonly ObservedValue[],
  statistics: readonly ValueStatistics[],
): Decision[] {
  const { emit, methodName, histogramBins } = settings;
  const decisions = decide(methodTable[methodName], values, statistics, (done) => {
    const label = `[${histogramBins}] threshold: ${values[done - 1]!.name}`;
    emit({ type: 'progress', task: 'thresholds', done, total: values.length, label });
  });
  decisions.forEach(({ degenerate, threshold }, at) => {
    const { name } = values[at]!;
    if (degenerate) {
      emit({ type: 'line', text: `WARNING: layer ${name} is all zeros. Please check the input data correctness.` });
    } else if (Number.isNaN(threshold)) {
      emit({ type: 'warning', code: 'calib.mse.zero-sample', where: name, message: ZERO_SAMPLE });
    }
  });
  return decisions;
}
