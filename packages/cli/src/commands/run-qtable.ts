import { parseCalibrationTable } from '@q/ir';
import { lossLines, printLossTable, printMixedTable, type QtableOutcome, qtableReport, runQtable } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readInputText } from '../files/input-files.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';
import { readDebugCommand } from './run-calibration-debug.ts';
import { declareTableSearchFlags, readLikeness } from './search-flags.ts';
import { SearchLog } from './search-log.ts';
import { openSearchSamples, readSearchSubject, requireTableOf } from './search-subject.ts';

function declare(parser: ArgumentParser): void {
  declareTableSearchFlags(parser);
  parser.add_argument('--min_layer_cos', {
    type: 'float',
    default: 0.99,
    help: 'layers less like float than this are put into float (default: 0.99)',
  });
  parser.add_argument('--loss_table', {
    default: 'full_loss_table.txt',
    help: 'file of what was found out about each layer (default: full_loss_table.txt)',
  });
  parser.add_argument('-b', '--base_quantize_table', {
    default: '',
    help: 'accepted; has no effect in TPU-MLIR either',
  });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  const expectedCos = readLikeness(args, 'expected_cos');
  const minLayerCos = readLikeness(args, 'min_layer_cos');
  const inputNum = args.integer('input_num', 1);
  readDebugCommand(args.optionalString('debug_cmd') ?? '');
  const mlirFile = args.string('mlir_file');
  const graph = loadMlir(mlirFile, 'mlir_file');
  const subject = await readSearchSubject(args, graph);
  const path = args.string('calibration_table');
  const table = parseCalibrationTable(readInputText(path, '--calibration_table'), path);
  requireTableOf(graph, table, path);
  const samples = await openSearchSamples(args, graph, inputNum);
  const log = new SearchLog(terminal, 'MixPrecSearcher');
  const options = { ...subject, values: table.rows, samples, expectedCos, minLayerCos, emit: terminal.emit };
  const outcome = await runQtable(options);
  const quantizeTable = args.string('quantize_table');
  const report = qtableReport(outcome, { graph, mlirFile, expectedCos, quantizeTable, compared: subject.compared });
  if (outcome.kind === 'searched') writeTables(args, samples.length, outcome);
  log.write(outcome.kind === 'searched' ? [...report, { ...log.timeLine(), shown: false }] : report);
  // The manual shows whole seconds with their unit, the log of the original has all digits (search.md 8.3).
  if (outcome.kind === 'searched') terminal.print(`total time:${Math.round(log.seconds)} second`);
  return exitStatus.ok;
}

function writeTables(args: Arguments, samples: number, outcome: Extract<QtableOutcome, { kind: 'searched' }>): void {
  const { floatLayers, floatType, layers } = outcome;
  const processor = args.string('processor');
  const facts = { time: generationTime(), samples, processor, mode: floatType };
  writeFilesWhole([
    { path: args.string('loss_table'), bytes: printLossTable({ ...facts, lines: lossLines(layers) }) },
    { path: args.string('quantize_table'), bytes: printMixedTable({ ...facts, layers: floatLayers }) },
  ]);
}

export const runQtableCommand: CommandBody = { declare, run };
