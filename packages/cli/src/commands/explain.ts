import { calibrationTableFor, type Graph, type Plan, planFromTables, QError } from '@q/ir';
import { type ExplainedLayer, explainPlan, type GoalDocument } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readCalibrationTable, readQuantizeTable, warnOf } from '../deploy/read-plan.ts';
import { originText, unknownLayerWarnings } from '../deploy/unknown-layers.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { processorNames } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { planText, readPlanDocument } from './search-plan.ts';
import { requireTableOf } from './search-subject.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('file', {
    help: 'plan of a search (QUANTIZE_TABLE.plan.json), or a Top .mlir file whose tables are explained',
  });
  parser.add_argument('--quantize_table', {
    default: '',
    help: 'of a .mlir: quantize table whose float layers are explained',
  });
  parser.add_argument('--calibration_table', {
    default: '',
    help: 'of a .mlir: thresholds, as the table goes into deployment',
  });
  parser.add_argument('--processor', '--chip', {
    default: '',
    choices: [...processorNames],
    help: 'of a .mlir: target processor',
  });
  parser.add_argument('-o', '--output', {
    default: '',
    help: 'of a .mlir: plan to write, a .json: decisions, reasons, thresholds',
  });
}

const TABLE_FLAGS = ['quantize_table', 'calibration_table', 'processor', 'output'];

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const file = args.string('file');
  if (file.endsWith('.json')) {
    refuseTables(args);
    const { floatLayers, goal } = readPlanDocument(file);
    tell(floatLayers, `${floatLayers.length} layers in float`, terminal);
    if (goal !== undefined) terminal.print(goalText(goal));
    return exitStatus.ok;
  }
  const graph = loadMlir(file, 'mlir_file');
  const plan = planOfTables(args, graph, terminal);
  warnOf(unknownLayerWarnings(graph, plan, originText(file)), terminal);
  const document = explainPlan(graph, plan);
  const { floatLayers } = document;
  tell(floatLayers, `${floatLayers.length} of ${graph.ops.length} layers in float`, terminal);
  const output = args.optionalString('output');
  if (output !== undefined) writeFileWhole(output, planText(document));
  return exitStatus.ok;
}

/** What was to be reached with as few float layers as possible. */
function goalText({ measure, expected, isMet, value, floatMacs, macs }: GoalDocument): string {
  const goal = `goal: a ${measure} of at least ${expected}`;
  return isMet ? `${goal}, met with ${value ?? 'inf'}, ${floatMacs ?? 0} of ${macs} MACs in float` : `${goal}, not met`;
}

/** A plan says all by itself. */
function refuseTables(args: Arguments): void {
  const given = TABLE_FLAGS.find((name) => args.optionalString(name) !== undefined);
  if (given === undefined) return;
  throw new QError(`--${given} belongs to a .mlir file; a plan has no need of it`, {
    code: 'cli.contradicting-flags',
    where: `--${given}`,
    found: args.string('file'),
  });
}

function planOfTables(args: Arguments, graph: Graph, terminal: Terminal): Plan {
  const [path, quantize] = [args.string('calibration_table'), args.string('quantize_table')];
  const calibrationTable = calibrationTableFor(graph, readCalibrationTable(path, terminal));
  requireTableOf(graph, calibrationTable, path);
  return planFromTables({
    processor: args.string('processor'),
    precision: 'INT8',
    calibrationTable,
    graph,
    quantizeTable: readQuantizeTable(quantize, terminal),
    quantizeTableName: quantize,
  });
}

function tell(layers: readonly ExplainedLayer[], summary: string, terminal: Terminal): void {
  for (const { layer, type, precision, explanation } of layers) {
    terminal.print(`${layer} (${type}) ${precision}: ${explanation}`);
  }
  terminal.print(summary);
}

export const explain: CommandBody = { declare, run };
