import { type Calibration, type CalibrationOptions, calibrate, type MethodName, type ProfileName } from '@q/calib';
import type { Dataset } from '@q/dataset';
import {
  type CalibrationHeader,
  type CalibrationRow,
  type CalibrationTable,
  calibrationHeader,
  formatFixed7,
  type Graph,
  nearest,
  parseCalibrationTable,
  printCalibrationTable,
  QError,
} from '@q/ir';
import type { MethodThresholds } from '@q/search';
import { methodNamed } from './calibration-flags.ts';

/** One threshold method of a search, and what it decides. */
export interface SearchedMethod {
  /** As the logs and files spell it. */
  readonly spelled: string;
  readonly calibration: Calibration;
  /** What its thresholds are multiplied with. */
  readonly share?: number;
}

/** A method that a search is to calibrate with. */
export interface MethodChoice {
  readonly spelled: string;
  readonly method: MethodName;
  /** Era of its statistics, where it is not that of the others. */
  readonly profile?: ProfileName;
  /** What its thresholds are multiplied with. */
  readonly share?: number;
}

/**
 * Words of `--quantize_method_list` with the methods that they mean: `KL`, or `KL:0.5` for half its thresholds.
 *
 * @throws QError `cli.bad-flag-value`. The original takes words that it does not know for KL.
 */
export function readMethodList(words: readonly string[]): MethodChoice[] {
  if (words.length === 0) throw unknownMethod('', 'nothing');
  const methods = words.map((spelled): MethodChoice => {
    const [name = '', factor] = spelled.split(/:(.*)/);
    const method = methodNamed(name);
    if (method === undefined) throw unknownMethod(name, name);
    return { spelled, method, ...(factor !== undefined && { share: readShare(factor, spelled) }) };
  });
  if (methods.some(({ share }) => share === undefined)) return methods;
  throw new QError('--quantize_method_list has no method whose table a search could begin with', {
    code: 'cli.bad-flag-value',
    where: '--quantize_method_list',
    found: words.join(','),
    expected: 'a method as it is beside its shares: KL,KL:0.5',
  });
}

function readShare(text: string, word: string): number {
  const share = Number(text);
  if (text.trim() !== '' && share > 0 && Number.isFinite(share)) return share;
  throw new QError(`--quantize_method_list ${word}: what thresholds are multiplied with is a positive number`, {
    code: 'cli.bad-flag-value',
    where: '--quantize_method_list',
    found: text,
    expected: 'METHOD, or METHOD:NUMBER such as KL:0.5',
  });
}

function unknownMethod(word: string, found: string): QError {
  const suggestion = nearest(word, ['KL', 'MSE', 'MAX', 'Percentile9999']);
  return new QError(`--quantize_method_list ${word} is not known`, {
    code: 'cli.bad-flag-value',
    where: '--quantize_method_list',
    found,
    expected: 'MSE, KL, MAX, Percentile9999 or another method of --cali_method, separated by commas',
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

/** Calibrates once per method; samples are inferred once, for the statistics of all methods of the same era. */
export async function calibrateMethods(
  graph: Graph,
  samples: Dataset,
  methods: readonly MethodChoice[],
  options: CalibrationOptions,
): Promise<SearchedMethod[]> {
  const found: SearchedMethod[] = [];
  const shared = methods.filter(({ profile }) => profile === undefined).map(({ method }) => method);
  let { statistics } = options;
  for (const { spelled, method, profile, share } of methods) {
    const known = found.find(({ calibration }) => calibration.method === method);
    if (share !== undefined && known !== undefined) {
      found.push({ spelled, calibration: known.calibration, share });
      continue;
    }
    const own: CalibrationOptions = { ...options, method, ...(profile === undefined ? {} : { profile }) };
    if (profile !== undefined) {
      const { statistics: _, ...fresh } = own;
      found.push({ spelled, calibration: await calibrate(graph, samples, { ...fresh, keepStatistics: false }) });
      continue;
    }
    const collects = statistics === undefined && shared.length > 1;
    const calibration = await calibrate(graph, samples, {
      ...own,
      ...(statistics === undefined ? {} : { statistics }),
      keepStatistics: collects && shared,
    });
    if (collects) statistics = calibration.statistics;
    found.push({ spelled, calibration, ...(share !== undefined && { share }) });
  }
  return found;
}

/** What replaces thresholds that are no bound. */
const TINY = 1e-5;

/** NaN is no bound either. */
function bound(threshold: number): number {
  return !(threshold > TINY) ? TINY : threshold;
}

/**
 * Thresholds as the searches try them: what the tuner raised with all its digits, the others as a table says them (search.md
 * 5.4).
 */
export function methodThresholds({ spelled, calibration, share = 1 }: SearchedMethod): MethodThresholds {
  const thresholds = new Map(
    [...calibration.values].map(([name, { threshold, untuned }]) => {
      const tried = threshold === untuned ? Number(formatFixed7(threshold)) : threshold;
      return [name, bound(share * tried)];
    }),
  );
  return { method: spelled, thresholds };
}

/** The table before the tuner. */
export function untunedRows({ calibration }: SearchedMethod): ReadonlyMap<string, CalibrationRow> {
  return new Map(
    [...calibration.table.rows].map(([name, row]) => {
      const { untuned } = calibration.values.get(name)!;
      return [name, { ...row, threshold: bound(untuned) }];
    }),
  );
}

/** The text of a table with a header of a search's own. */
export function tableText(
  { calibration }: SearchedMethod,
  rows: ReadonlyMap<string, CalibrationRow>,
  header: CalibrationHeader,
): string {
  return printCalibrationTable({ ...calibration.table, rows, header: calibrationHeader(header) });
}

/** The table with other thresholds; headers, order, min and max stay (search.md 5.2.5). */
export function withNewThresholds(text: string, thresholdOf: (name: string) => number | undefined): string {
  const table: CalibrationTable = parseCalibrationTable(text);
  const rows = new Map(
    [...table.rows].map(([name, row]) => [name, { ...row, threshold: thresholdOf(name) ?? row.threshold }]),
  );
  return printCalibrationTable({ ...table, rows });
}
