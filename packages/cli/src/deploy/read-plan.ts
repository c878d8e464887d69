import { existsSync } from 'node:fs';
import {
  type CalibrationTable,
  type Issue,
  type PlanOptions,
  type PlanSources,
  type Precision,
  parseCalibrationTable,
  parseInlineQuantizeTable,
  parsePrecision,
  parseQuantizeTable,
  QError,
  type QuantizeTable,
} from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { readInputText } from '../files/input-files.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Modes of the original tool that have no definition here, and why. */
const FOREIGN_MODES: Readonly<Record<string, string>> = {
  QDQ: 'networks that hold QuantizeLinear already are not lowered as such',
  F8E4M3: '8-bit floats are out of scope',
  F8E5M2: '8-bit floats are out of scope',
};

const NEEDS_CALIBRATION: ReadonlySet<Precision> = new Set(['INT8', 'UINT8', 'INT4', 'W4INT8']);
const WEIGHT_ONLY: ReadonlySet<Precision> = new Set(['W8F16', 'W8BF16', 'W4F16', 'W4BF16']);

/** What the flags of `model_deploy` say about the plan; the network is not among it. */
export function readPlanSources(args: Arguments, terminal: Terminal): PlanSources {
  const precision = readPrecision(args.string('quantize'));
  const calibrationPath = args.optionalString('calibration_table');
  if (NEEDS_CALIBRATION.has(precision) && calibrationPath === undefined) {
    throw new QError(`--quantize ${precision} needs --calibration_table`, {
      code: 'cli.missing-flag',
      where: '--calibration_table',
      expected: 'the table that q run_calibration wrote',
    });
  }
  const quantizeTable = args.optionalString('quantize_table');
  return {
    processor: args.string('processor').toLowerCase(),
    precision,
    asymmetric: args.flag('asymmetric'),
    options: readOptions(args, precision),
    ...(calibrationPath === undefined ? {} : { calibrationTable: readCalibrationTable(calibrationPath, terminal) }),
    ...(quantizeTable === undefined
      ? {}
      : { quantizeTable: readQuantizeTable(quantizeTable, terminal), quantizeTableName: quantizeTable }),
  };
}

function readPrecision(word: string): Precision {
  const precision = parsePrecision(word);
  if (precision !== undefined && precision !== 'UINT8') return precision;
  const upper = word.toUpperCase();
  const reason =
    FOREIGN_MODES[upper] ?? (upper.endsWith('DYN') ? 'run-time quantization cannot be deployed' : undefined);
  throw new QError(`--quantize ${word} is not supported${reason === undefined ? '' : `: ${reason}`}`, {
    code: 'cli.bad-flag-value',
    where: '--quantize',
    found: word,
    expected: 'INT8, INT4, W4INT8, F32, F16, BF16, W8F16, W8BF16, W4F16 or W4BF16',
  });
}

/** Options that were asked for; what is TPU-MLIR's default anyway is left out. */
function readOptions(args: Arguments, precision: Precision): PlanOptions {
  const gelu = args.string('gelu_mode');
  return {
    // Only the 16-bit weight-only modes know groups (cli.md 6.1).
    ...(WEIGHT_ONLY.has(precision) ? { groupSize: args.integer('q_group_size') } : {}),
    ...(args.flag('q_symmetric') ? { symmetricGroups: true } : {}),
    ...(args.flag('matmul_perchannel') ? { matmulPerChannel: true } : {}),
    ...(args.flag('high_precision') ? { highPrecision: true } : {}),
    ...(gelu === 'tanh' || gelu === 'sigm' ? { gelu } : {}),
  };
}

export function readCalibrationTable(path: string, terminal: Terminal): CalibrationTable {
  const table = parseCalibrationTable(readInputText(path, '--calibration_table'), path);
  warnOf(table.warnings, terminal);
  return table;
}

/** A file, or the inline form `name:MODE,name:MODE` when no such file exists (cli.md 6.2). */
export function readQuantizeTable(text: string, terminal: Terminal): QuantizeTable {
  const isInline = !existsSync(text) && /^[^\s]+:[A-Za-z0-9]+(,|$)/.test(text);
  const table = isInline
    ? parseInlineQuantizeTable(text)
    : parseQuantizeTable(readInputText(text, '--quantize_table'), text);
  warnOf(table.warnings, terminal);
  return table;
}

/** Prints what a reader had to interpret. */
export function warnOf(issues: readonly Issue[], terminal: Terminal): void {
  for (const issue of issues) {
    const facts = [issue.found, issue.hint].filter((fact) => fact !== undefined).join('; ');
    terminal.emit({
      type: 'warning',
      code: issue.code,
      message: facts,
      ...(issue.where === undefined ? {} : { where: issue.where }),
    });
  }
}
