import type { MethodName, TunerOptions } from '@q/calib';
import { nearest, QError } from '@q/ir';
import { methodNamed } from './calibration-flags.ts';

/** What `--debug_cmd` asks for (calibration.md 1.2). */
export interface DebugCommand {
  readonly method?: MethodName;
  readonly int4: boolean;
  readonly fp8: boolean;
  readonly dumpList: boolean;
  readonly debugLog: boolean;
  /** Searches with four bits: layers of the first group that costs too much are tried alone. */
  readonly clusterOneByOne: boolean;
  readonly tuner: TunerOptions;
  /** Table whose thresholds are tuned instead of what statistics say. */
  readonly inputTable?: string;
  /** What was understood and has no effect here. */
  readonly notes: readonly string[];
}

/** Switches that concern pictures or other commands. */
const WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map([
  ['print_debug_info', 'plots of thresholds are not drawn'],
  ['observer_type', 'as in TPU-MLIR, it never takes effect: the histogram observer is used'],
  [
    'use_pil_resize',
    'as in TPU-MLIR, it concerns the measuring of networks (q evaluate): calibration resizes as OpenCV does',
  ],
  ['visual_tensor', 'it concerns run_qtable and searches'],
  ['max_sampling', 'it concerns run_qtable and searches'],
  ['dump_tensor_diff_by_html', 'it concerns run_qtable and searches'],
]);

const KNOWN = [
  'use_torch_observer_for_cali',
  'int4',
  'fp8',
  'tune_steps',
  'min_tuned_diff',
  'find_lower_th',
  'not_use_fp32_tensor_as_ref',
  'input_calibration_table',
  'dump_list',
  'debug_log',
  'cluster_one_by_one',
  ...WITHOUT_EFFECT.keys(),
];

/**
 * Reads a `;`-separated list of `key` or `key=value`; keys in any case, values may contain `=`.
 *
 * @throws QError `cli.bad-flag-value`
 */
export function readDebugCommand(text: string): DebugCommand {
  const entries = new Map<string, string>();
  for (const part of text.split(';').filter((item) => item.trim() !== '')) {
    const at = part.indexOf('=');
    const key = (at < 0 ? part : part.slice(0, at)).trim().toLowerCase();
    entries.set(key, at < 0 ? '' : part.slice(at + 1).trim());
  }
  refuseUnknown(entries);
  const method = [...entries.keys()].map(methodNamed).find((name) => name !== undefined);
  const observer = entries.has('use_torch_observer_for_cali');
  const fp8 = entries.has('fp8');
  const chosen = observer && !fp8 ? 'torch_observer' : method;
  const inputTable = entries.get('input_calibration_table');
  return {
    ...(chosen === undefined ? {} : { method: chosen }),
    int4: entries.has('int4'),
    fp8,
    dumpList: entries.has('dump_list'),
    debugLog: entries.has('debug_log'),
    clusterOneByOne: entries.has('cluster_one_by_one'),
    tuner: {
      ...numberOf(entries, 'tune_steps', 'steps'),
      ...numberOf(entries, 'min_tuned_diff', 'minDifference'),
      ...(entries.has('find_lower_th') ? { findLower: true } : {}),
      ...(entries.has('not_use_fp32_tensor_as_ref') ? { accumulate: true } : {}),
    },
    ...(inputTable === undefined ? {} : { inputTable }),
    notes: [...WITHOUT_EFFECT].filter(([key]) => entries.has(key)).map(([key, why]) => `--debug_cmd ${key}: ${why}`),
  };
}

function refuseUnknown(entries: ReadonlyMap<string, string>): void {
  const unknown = [...entries.keys()].find((key) => !KNOWN.includes(key) && methodNamed(key) === undefined);
  if (unknown === undefined) return;
  const suggestion = nearest(unknown, KNOWN);
  throw new QError(`--debug_cmd ${unknown} is not known`, {
    code: 'cli.bad-flag-value',
    where: '--debug_cmd',
    found: unknown,
    expected: KNOWN.join(', '),
    ...(suggestion === undefined ? {} : { hint: `did you mean ${suggestion}?` }),
  });
}

function numberOf<K extends string>(entries: ReadonlyMap<string, string>, key: string, as: K) {
  const text = entries.get(key);
  if (text === undefined) return {};
  const value = Number(text);
  if (text !== '' && Number.isFinite(value)) return { [as]: value } as { readonly [P in K]?: number };
  throw new QError(`--debug_cmd ${key}=${text} is no number`, {
    code: 'cli.bad-flag-value',
    where: '--debug_cmd',
    found: text,
    expected: `${key}=NUMBER`,
  });
}
