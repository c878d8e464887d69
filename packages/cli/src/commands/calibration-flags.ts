import { availableParallelism } from 'node:os';
import { type MethodName, type ProfileName, profileNames } from '@q/calib';
import { nearest, QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';

const names = [
  'kl',
  'mse',
  'max',
  'percentile9999',
  'aciq_gauss',
  'aciq_laplace',
  'symkl',
  'jsd',
  'admm',
  'xquant_default',
  'xquant_kl',
  'xquant_minmax',
  'xquant_percentile',
  'xquant_mse',
] as const satisfies readonly MethodName[];

/** Threshold methods as users write them, with and without `use_` (calibration.md 1.1), to the name of the method. */
const methods: ReadonlyMap<string, MethodName> = new Map(
  names.flatMap((name) => [[name, name] as const, [`use_${name}`, name] as const]),
);

/** Flags that say how thresholds are found; the same in run_calibration and quantize. */
export function declareCalibrationFlags(parser: ArgumentParser): void {
  parser.add_argument('--dataset', { default: '', help: 'folder of samples (images, npy, npz), or a .zip of one' });
  parser.add_argument('--data_list', { default: '', help: 'text file with one sample per line; wins over --dataset' });
  parser.add_argument('--input_num', {
    type: 'int',
    default: 0,
    help: 'number of calibration samples (default: 0 = all)',
  });
  parser.add_argument('--cali_method', {
    default: 'kl',
    help: `threshold method: ${names.join(' ')}, also with use_ in front (default: kl)`,
  });
  parser.add_argument('--histogram_bin_num', {
    type: 'int',
    default: 2048,
    help: 'bins of the kl histogram (default: 2048)',
  });
  parser.add_argument('--tune_num', {
    type: 'int',
    default: 5,
    help: 'samples of the threshold tuner; 0 switches it off (default: 5)',
  });
  parser.add_argument('--profile', {
    default: 'v1.9',
    choices: [...profileNames],
    help: 'era of TPU-MLIR whose statistics are computed, or pooled: statistics that can be merged (default: v1.9)',
  });
  parser.add_argument('--workers', {
    type: 'int',
    default: 0,
    help: 'worker threads; any number gives the same bytes (default: 0 = one per core)',
  });
}

/** The flags above, checked. */
export interface CalibrationChoices {
  readonly method: MethodName;
  readonly profile: ProfileName;
  readonly histogramBins: number;
  readonly tuneNum: number;
  readonly workers: number;
}

/** @throws QError `cli.bad-flag-value` */
export function readCalibrationOptions(args: Arguments): CalibrationChoices {
  return {
    method: readMethod(args.string('cali_method')),
    profile: profileNames.find((profile) => profile === args.string('profile'))!,
    histogramBins: args.integer('histogram_bin_num', 128),
    tuneNum: args.integer('tune_num'),
    workers: workerCount(args),
  };
}

/** `--workers`; 0 means one per core. */
export function workerCount(args: Arguments): number {
  const workers = args.integer('workers');
  return workers === 0 ? availableParallelism() : workers;
}

/** The method that a word means; undefined for words that mean none. */
export function methodNamed(word: string): MethodName | undefined {
  return methods.get(word.toLowerCase());
}

function readMethod(word: string): MethodName {
  const method = methodNamed(word);
  if (method !== undefined) return method;
  const suggestion = nearest(word, methods.keys());
  throw new QError(`--cali_method ${word} is not known`, {
    code: 'cli.bad-flag-value',
    where: '--cali_method',
    found: word,
    expected: [...new Set(methods.values())].join(', '),
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}
