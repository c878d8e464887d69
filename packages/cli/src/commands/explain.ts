import { parseCalibrationTable, parseQuantizeTable, planFromTables } from '@q/ir';
import { type ExplainedLayer, explainPlan } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readInputText } from '../files/input-files.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { processorNames } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('mlir_file', { help: 'Top .mlir file' });
  parser.add_argument('--quantize_table', { required: true, help: 'quantize table whose float layers are explained' });
  parser.add_argument('--calibration_table', { required: true, help: 'thresholds, as the table goes into deployment' });
  parser.add_argument('--processor', '--chip', {
    required: true,
    choices: [...processorNames],
    help: 'target processor',
  });
  parser.add_argument('-o', '--output', { default: '', help: 'plan.json to write: decisions, reasons, thresholds' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const graph = loadMlir(args.string('mlir_file'), 'mlir_file');
  const [table, quantize] = [args.string('calibration_table'), args.string('quantize_table')];
  const plan = planFromTables({
    processor: args.string('processor'),
    precision: 'INT8',
    calibrationTable: parseCalibrationTable(readInputText(table, '--calibration_table'), table),
    quantizeTable: parseQuantizeTable(readInputText(quantize, '--quantize_table'), quantize),
    quantizeTableName: quantize,
  });
  const document = explainPlan(graph, plan);
  for (const layer of document.floatLayers) terminal.print(line(layer));
  const { length } = document.floatLayers;
  terminal.print(`${length} of ${graph.ops.length} layers in float`);
  const output = args.string('output');
  if (output !== '') writeFileWhole(output, `${JSON.stringify(document, undefined, 2)}\n`);
  return exitStatus.ok;
}

function line({ layer, type, precision, explanation }: ExplainedLayer): string {
  return `${layer} (${type}) ${precision}: ${explanation}`;
}

export const explain: CommandBody = { declare, run };
