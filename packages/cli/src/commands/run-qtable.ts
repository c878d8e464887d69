import type { Graph, Precision } from '@q/ir';
import {
  type LossTableOutcome,
  lossLines,
  lossTableReport,
  printLossTable,
  printMixedTable,
  pythonFloat,
  type QtableOutcome,
  qtableReport,
  type ReportLine,
  runQtable,
  searchLossTable,
  signalLossLines,
} from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';
import { readDebugCommand } from './run-calibration-debug.ts';
import { closing, declareStopFlags, readEffort } from './search-effort.ts';
import { declareTableSearchFlags, readLikeness } from './search-flags.ts';
import { SearchLog } from './search-log.ts';
import { planFile } from './search-plan.ts';
import { openSearchSamples, readSearchSubject, readTableOf } from './search-subject.ts';

/** The log's file. */
const LOG = 'MixPrecSearcher';

function declare(parser: ArgumentParser): void {
  declareTableSearchFlags(parser);
  declareStopFlags(parser);
  parser.add_argument('--workers', {
    type: 'int',
    default: 0,
    help: 'threads that share the samples (without: one; 0 = one per core)',
  });
  parser.add_argument('--min_layer_cos', {
    type: 'float',
    default: 0.99,
    help: 'layers less like float than this are put into float (default: 0.99)',
  });
  parser.add_argument('--loss_table', {
    default: 'full_loss_table.txt',
    help: 'file of what was found out about each layer (default: full_loss_table.txt)',
  });
  parser.add_argument('--profile', {
    default: 'v1.9',
    choices: ['2022', '2023', 'v1.9'],
    help: 'era of TPU-MLIR: 2022 tries each layer alone in float and takes what gains 5 % (default: v1.9)',
  });
  parser.add_argument('-b', '--base_quantize_table', {
    default: '',
    help: 'accepted; has no effect in TPU-MLIR either',
  });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  const [expectedCos, minLayerCos] = [readLikeness(args, 'expected_cos'), readLikeness(args, 'min_layer_cos')];
  const inputNum = args.integer('input_num', 1);
  readDebugCommand(args.optionalString('debug_cmd') ?? '');
  const mlirFile = args.string('mlir_file');
  const graph = loadMlir(mlirFile, 'mlir_file');
  const subject = await readSearchSubject(args, graph, LOG);
  const table = readTableOf(graph, args.string('calibration_table'));
  const samples = await openSearchSamples(args, subject, inputNum);
  const log = new SearchLog(terminal, LOG);
  const profile = args.string('profile');
  const effort = readEffort(args, terminal);
  const options = { ...subject, ...effort.options, values: table.rows, samples, expectedCos, minLayerCos };
  const facts = {
    graph,
    mlirFile,
    expectedCos,
    quantizeTable: args.string('quantize_table'),
    compared: subject.compared,
  };
  if (profile === '2022') {
    const floatType = floatTypeOf2022(args, subject.floatType);
    const outcome = await closing(effort, searchLossTable({ ...options, floatType }));
    writeLossTables(args, { graph, samples: samples.length }, outcome);
    finish(log, terminal, lossTableReport(outcome, facts));
    return exitStatus.ok;
  }
  const outcome = await closing(effort, runQtable(options));
  const report = qtableReport(outcome, facts);
  if (outcome.kind === 'sufficient') log.write(report);
  else {
    writeTables(args, { graph, samples: samples.length }, outcome);
    finish(log, terminal, report);
    if (outcome.end === 'walked' && outcome.floatLayers.length === 0) terminal.warn(nothingFloat(minLayerCos));
  }
  return exitStatus.ok;
}

/** The original prints the mixed network's likeness as 0 where no layer was tried. */
function nothingFloat(minLayerCos: number): string {
  return `warning: the quantize table names no layer, the network stays INT8: a --min_layer_cos above ${minLayerCos} tries more`;
}

/** The manual shows whole seconds with their unit, the log of the original has all digits (search.md 8.3). */
function finish(log: SearchLog, terminal: Terminal, report: readonly ReportLine[]): void {
  log.write([...report, { ...log.timeLine(), shown: false }]);
  terminal.print(`total time:${Math.round(log.seconds)} second`);
}

/** The bm1684x mixed with F32 then (search.md 8.4). */
function floatTypeOf2022(args: Arguments, floatType: Precision): Precision {
  return args.string('fp_type') === 'auto' && args.string('processor') === 'bm1684x' ? 'F32' : floatType;
}

interface Searched {
  readonly graph: Graph;
  readonly samples: number;
}

function writeTables(
  args: Arguments,
  { graph, samples }: Searched,
  outcome: Extract<QtableOutcome, { kind: 'searched' }>,
): void {
  const { floatLayers, floatType: mode, layers, plan } = outcome;
  const facts = { time: generationTime(), samples, processor: args.string('processor'), mode };
  writeFilesWhole([
    { path: args.string('loss_table'), bytes: printLossTable({ ...facts, lines: lossLines(layers) }) },
    { path: args.string('quantize_table'), bytes: printMixedTable({ ...facts, layers: floatLayers }) },
    planFile(args, { graph, plan }),
  ]);
}

function writeLossTables(args: Arguments, { graph, samples }: Searched, outcome: LossTableOutcome): void {
  const { floatLayers, floatType: mode, layers, plan } = outcome;
  const facts = { time: generationTime(), samples, processor: args.string('processor'), mode };
  const int8Loss = pythonFloat(outcome.int8Loss);
  writeFilesWhole([
    { path: args.string('loss_table'), bytes: printLossTable({ ...facts, lines: signalLossLines(layers), int8Loss }) },
    { path: args.string('quantize_table'), bytes: printMixedTable({ ...facts, layers: floatLayers }) },
    planFile(args, { graph, plan, lossUnit: 'dB' }),
  ]);
}

export const runQtableCommand: CommandBody = { declare, run };
