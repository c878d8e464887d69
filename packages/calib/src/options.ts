import type { Dataset } from '@q/dataset';
import { type CalibrationTable, type Emit, QError } from '@q/ir';
import type { WorkerPort } from '@q/runtime';
import { type Profile, type ProfileName, profileOf } from './profile.ts';
import { rememberSamples } from './remembered-samples.ts';
import type { SavedStatistics } from './saved/saved-statistics.ts';
import type { Choice, Needs } from './thresholds/method.ts';
import { type MethodName, methodTable } from './thresholds/method-table.ts';
import { DEFAULT_PERCENTILE } from './xquant-range/percentile.ts';

export interface CalibrationOptions {
  /** Threshold method, default `kl`. */
  readonly method?: MethodName;
  /** Era of TPU-MLIR to reproduce, default `v1.9`. */
  readonly profile?: ProfileName;
  /** Initial number of histogram bins, default 2048. */
  readonly histogramBins?: number;
  /** Samples to use: 0 (the default) or more than the dataset has means all. */
  readonly inputNum?: number;
  /** Entries of the sample list that the tuner uses, default 5; 0 switches it off. */
  readonly tuneNum?: number;
  /** Samples of the tuner; the calibration samples without it. */
  readonly tuneDataset?: Dataset;
  /** Threads to infer on, default 1. Any number gives the same bytes. */
  readonly workers?: number;
  /**
   * Starts a worker that serves `@q/calib/calibration-task`, for pages whose bundler must see `new Worker(…)` (README).
   * Not needed in Node, nor where the package's files are served as they are.
   */
  readonly spawnWorker?: (index: number) => WorkerPort;
  /** What the table's header says besides the figures. */
  readonly header?: {
    /** `YYYY-MM-DD HH:MM:SS.ffffff` */
    readonly time: string;
    readonly version?: string;
    readonly mlirFile?: string;
  };
  readonly emit?: Emit;
  /** Thresholds for four-bit codes too, in a section of their own; switches the tuner off (calibration.md 6.10). */
  readonly int4?: boolean;
  /** An FP8 table: method `max`, no tuner (calibration.md 6.10). */
  readonly fp8?: boolean;
  /** SiLU and GELU in front of Conv and MatMul get asymmetric ranges (calibration.md 6.9). */
  readonly partAsymmetric?: boolean;
  /** Kurtosis of every value beside its threshold (calibration.md 6.11). */
  readonly kurtosis?: boolean;
  /** Values whose threshold and range are given, by name. */
  readonly fixed?: ReadonlyMap<string, Choice>;
  /** XQuant's `max_percentile`, default 0.9999. */
  readonly percentileShare?: number;
  /** Switches of the tuner. */
  readonly tuner?: TunerOptions;
  /** Statistics of an earlier run: nothing is collected. */
  readonly statistics?: SavedStatistics;
  /** Collect what every method of the profile needs, or these methods, and hand it over as `Calibration.statistics`. */
  readonly keepStatistics?: boolean | readonly MethodName[];
  /** A table whose thresholds are tuned instead of what statistics say (`input_calibration_table`). */
  readonly startTable?: CalibrationTable;
}

/** Developer switches of the tuner (calibration.md 1.2). */
export interface TunerOptions {
  /** Default: the era's. */
  readonly steps?: number;
  /** Shorter ranges than this are not scanned, default 0.01. */
  readonly minDifference?: number;
  /** Scans begin at a third of the threshold, and are refined around the best. */
  readonly findLower?: boolean;
  /** Ops read what quantized ops before them gave instead of float values (`not_use_fp32_tensor_as_ref`). One thread. */
  readonly accumulate?: boolean;
}

/** Checked options with their defaults. */
export interface CalibrationSettings {
  readonly methodName: MethodName;
  readonly profile: Profile;
  readonly histogramBins: number;
  readonly sampleCount: number;
  /** The calibration samples; those read first stay in memory for later passes. */
  readonly dataset: Dataset;
  readonly tuneNum: number;
  readonly tuneDataset: Dataset;
  readonly workers: number;
  readonly spawnWorker: CalibrationOptions['spawnWorker'];
  readonly header: NonNullable<CalibrationOptions['header']>;
  readonly emit: Emit;
  readonly bits: 8 | 4;
  readonly fp8: boolean;
  readonly partAsymmetric: boolean;
  readonly kurtosis: boolean;
  readonly fixed: ReadonlyMap<string, Choice>;
  readonly percentileShare: number;
  readonly tuner: Required<TunerOptions>;
  readonly statistics: SavedStatistics | undefined;
  readonly keepStatistics: boolean | readonly MethodName[];
  readonly startTable: CalibrationTable | undefined;
}

/** A time that is no time, so that a table without one stays reproducible. */
const NO_TIME = '1970-01-01 00:00:00.000000';

/** @throws QError `calib.option`, `calib.profile` */
export function resolveOptions(dataset: Dataset, options: CalibrationOptions): CalibrationSettings {
  const profile = profileOf(options.profile ?? 'v1.9');
  const fp8 = options.fp8 ?? false;
  const methodName = fp8 ? 'max' : (options.method ?? 'kl');
  checkMethod(profile, methodName, options);
  const tuneNum = fp8 || options.int4 === true ? 0 : whole('tuneNum', options.tuneNum ?? 5, 0);
  const remembered = rememberSamples(dataset, { count: samplesReadAgain(profile, methodName, tuneNum) });
  const inputNum = whole('inputNum', options.inputNum ?? 0, 0);
  return {
    methodName,
    profile,
    histogramBins: whole('histogramBins', options.histogramBins ?? 2048, 2),
    sampleCount: inputNum === 0 ? dataset.length : Math.min(inputNum, dataset.length),
    dataset: remembered,
    tuneNum,
    tuneDataset: options.tuneDataset ?? remembered,
    workers: whole('workers', options.workers ?? 1, 1),
    spawnWorker: options.spawnWorker,
    header: options.header ?? { time: NO_TIME },
    emit: options.emit ?? (() => {}),
    bits: options.int4 === true ? 4 : 8,
    fp8,
    partAsymmetric: options.partAsymmetric ?? false,
    kurtosis: options.kurtosis ?? false,
    fixed: options.fixed ?? new Map(),
    percentileShare: share(options.percentileShare ?? DEFAULT_PERCENTILE),
    tuner: resolveTuner(profile, options.tuner ?? {}),
    statistics: options.statistics,
    keepStatistics: options.keepStatistics ?? false,
    startTable: options.startTable,
  };
}

/** How many of the first samples a later pass reads: all where statistics take two, else those of the tuner. */
function samplesReadAgain(profile: Profile, methodName: MethodName, tuneNum: number): number {
  const needs: Needs = methodTable[methodName].needs;
  return profile.statistics === 'two-pass' || needs.window === true ? Number.POSITIVE_INFINITY : tuneNum;
}

function checkMethod(profile: Profile, methodName: string, { int4, fp8 }: CalibrationOptions): void {
  if (!Object.hasOwn(methodTable, methodName) || !profile.methods.includes(methodName as MethodName)) {
    throw optionError('method', methodName, profile.methods.join(', '), `profile ${profile.name} knows these methods`);
  }
  if (int4 && (fp8 || methodName === 'torch_observer')) {
    throw optionError('int4', fp8 ? 'and fp8' : 'and the torch observer', 'one of them alone');
  }
}

function resolveTuner(profile: Profile, tuner: TunerOptions): Required<TunerOptions> {
  const { steps = profile.tuneSteps, minDifference = 0.01, findLower = false, accumulate = false } = tuner;
  if (!(minDifference >= 0)) throw optionError('tuner.minDifference', String(minDifference), 'a number >= 0');
  return { steps: whole('tuner.steps', steps, 2), minDifference, findLower, accumulate };
}

function share(value: number): number {
  if (value > 0.5 && value <= 1) return value;
  throw optionError('percentileShare', String(value), 'above 0.5, at most 1');
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw optionError(name, String(value), `a whole number, at least ${least}`);
}

function optionError(where: string, found: string, expected: string, hint?: string): QError {
  return new QError(`Calibration cannot run with ${where} ${found}.`, {
    code: 'calib.option',
    where,
    found,
    expected,
    ...(hint === undefined ? {} : { hint }),
  });
}
