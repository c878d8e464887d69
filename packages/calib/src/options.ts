import type { Dataset } from '@q/dataset';
import { type Emit, QError } from '@q/ir';
import type { WorkerPort } from '@q/runtime';
import { type Profile, type ProfileName, profileOf } from './profile.ts';
import { rememberSamples } from './remembered-samples.ts';
import { type MethodName, methodTable } from './thresholds/method-table.ts';

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
}

/** A time that is no time, so that a table without one stays reproducible. */
const NO_TIME = '1970-01-01 00:00:00.000000';

/** @throws QError `calib.option`, `calib.profile` */
export function resolveOptions(dataset: Dataset, options: CalibrationOptions): CalibrationSettings {
  const profile = profileOf(options.profile ?? 'v1.9');
  const methodName = options.method ?? 'kl';
  if (!Object.hasOwn(methodTable, methodName) || !profile.methods.includes(methodName)) {
    throw optionError('method', methodName, profile.methods.join(', '), `profile ${profile.name} knows these methods`);
  }
  const remembered = rememberSamples(dataset);
  const inputNum = whole('inputNum', options.inputNum ?? 0, 0);
  return {
    methodName,
    profile,
    histogramBins: whole('histogramBins', options.histogramBins ?? 2048, 2),
    sampleCount: inputNum === 0 ? dataset.length : Math.min(inputNum, dataset.length),
    dataset: remembered,
    tuneNum: whole('tuneNum', options.tuneNum ?? 5, 0),
    tuneDataset: options.tuneDataset ?? remembered,
    workers: whole('workers', options.workers ?? 1, 1),
    spawnWorker: options.spawnWorker,
    header: options.header ?? { time: NO_TIME },
    emit: options.emit ?? (() => {}),
  };
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
