import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type CalibrationTable,
  type Issue,
  type Plan,
  parseCalibrationTable,
  parseInlineQuantizeTable,
  parsePrecision,
  parseQuantizeTable,
  planFromTables,
  QError,
  type QuantizeTable,
} from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readInputText } from '../files/input-files.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { targetFor } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';
import { verifyLowered } from './verify-lowered.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('--mlir', { required: true, help: 'Top .mlir of model_transform' });
  parser.add_argument('--processor', '--chip', { required: true, help: 'target processor' });
  parser.add_argument('--quantize', {
    default: 'F32',
    help: 'mode of every layer that the quantize table does not name: INT8, F16, BF16, F32 (default: F32)',
  });
  parser.add_argument('--calibration_table', { default: '', help: 'table of run_calibration; needed by INT8' });
  parser.add_argument('--quantize_table', { default: '', help: 'modes per layer: a file, or name:MODE,name:MODE' });
  parser.add_argument('--asymmetric', { action: 'store_true', help: 'asymmetric activations' });
  parser.add_argument('--test_input', { default: '', help: 'npz, npy or image to run the lowered network on' });
  parser.add_argument('--test_reference', {
    default: '',
    help: 'npz of model_transform --test_result to compare with (default: computed here)',
  });
  parser.add_argument('--tolerance', {
    default: '',
    help: 'least cosine and Euclidean similarity, e.g. 0.90,0.80 (the default for INT8)',
  });
  parser.add_argument('--compare_all', { action: 'store_true', help: 'compare every layer, not the outputs only' });
  parser.add_argument('--model', {
    default: '',
    help: 'name of the compiled model in the original tool; see the last line that is printed',
  });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  const path = args.string('mlir');
  const graph = loadMlir(path, '--mlir');
  const plan = readPlan(args, terminal);
  const target = targetFor(plan.processor);
  const lowered = target.lower(graph, plan, terminal.emit);
  const files = target
    .artefacts(lowered, plan)
    .map((artefact) => ({ ...artefact, path: join(dirname(path), artefact.name) }));
  writeFilesWhole(files);
  for (const file of files) terminal.print(`${file.path}: ${file.description}`);
  explainModelFlag(args.optionalString('model'), terminal);
  const testInput = args.list('test_input');
  if (testInput.length === 0) return exitStatus.ok;
  const agrees = await verifyLowered({
    graph,
    lowered,
    testInput,
    reference: args.optionalString('test_reference'),
    tolerance: readTolerance(args, plan),
    everyLayer: args.flag('compare_all'),
    terminal,
  });
  return agrees ? exitStatus.ok : exitStatus.mismatch;
}

function readPlan(args: Arguments, terminal: Terminal): Plan {
  const word = args.string('quantize');
  const precision = parsePrecision(word);
  if (precision === undefined) {
    throw new QError(`--quantize ${word} is not supported`, {
      code: 'cli.bad-flag-value',
      where: '--quantize',
      found: word,
      expected: 'INT8, F16, BF16 or F32',
    });
  }
  const calibrationPath = args.optionalString('calibration_table');
  if (precision === 'INT8' && calibrationPath === undefined) {
    throw new QError('--quantize INT8 needs --calibration_table', {
      code: 'cli.missing-flag',
      where: '--calibration_table',
      expected: 'the table that q run_calibration wrote',
    });
  }
  const quantizeTable = args.optionalString('quantize_table');
  return planFromTables({
    processor: args.string('processor').toLowerCase(),
    precision,
    asymmetric: args.flag('asymmetric'),
    ...(calibrationPath === undefined ? {} : { calibrationTable: readCalibrationTable(calibrationPath, terminal) }),
    ...(quantizeTable === undefined
      ? {}
      : { quantizeTable: readQuantizeTable(quantizeTable, terminal), quantizeTableName: quantizeTable }),
  });
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

function warnOf(issues: readonly Issue[], terminal: Terminal): void {
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

function readTolerance(args: Arguments, plan: Plan): readonly [number, number] {
  const given = args.numbers('tolerance');
  if (given !== undefined) {
    if (given.length === 2) return [given[0]!, given[1]!];
    throw new QError(`--tolerance has ${given.length} numbers`, {
      code: 'cli.bad-flag-value',
      where: '--tolerance',
      found: given.join(','),
      expected: 'two numbers: cosine,euclidean',
    });
  }
  // Defaults of cli.md 7.1.
  if (plan.precision === 'INT8') return [0.9, 0.8];
  return plan.precision === 'F32' ? [0.99, 0.99] : [0.99, 0.9];
}

function explainModelFlag(model: string | undefined, terminal: Terminal): void {
  if (model === undefined) return;
  terminal.print(
    `${model}: not written; it would hold instructions of the chip, which only the vendor's closed compiler makes. The files above hold the quantized network.`,
  );
}

export const modelDeploy: CommandBody = { declare, run };
