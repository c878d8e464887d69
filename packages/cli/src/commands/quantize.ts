import { extname, join } from 'node:path';
import { calibrate } from '@q/calib';
import {
  type Graph,
  type Plan,
  type PlanSources,
  parseCalibrationTable,
  planFromTables,
  printCalibrationTable,
} from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readQuantizeTable } from '../deploy/read-plan.ts';
import { openSamples } from '../files/dataset-files.ts';
import {
  loadModel,
  type ModelOptions,
  mlirFiles,
  nameOfModelFile,
  requireModelData,
  topWeightFileName,
} from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import { targetFor } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { compatibleVersion } from '../version.ts';
import { declareCalibrationFlags, readCalibrationOptions } from './calibration-flags.ts';
import { type Candidate, evaluateCandidates } from './evaluate-candidates.ts';
import { readEvaluationSamples } from './evaluation-samples.ts';
import { declarePreprocessFlags, readPreprocess } from './preprocess-flags.ts';
import { renderQuantizeReport, reportJson } from './quantize-report.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('model', { help: '.onnx file, Top .mlir with its weights beside it, or Caffe .prototxt' });
  parser.add_argument('--model_data', { default: '', help: 'the .caffemodel of a .prototxt' });
  parser.add_argument('--processor', '--chip', {
    default: 'bm1684x',
    help: 'target processors, separated by commas (default: bm1684x)',
  });
  parser.add_argument('-o', '--output', { required: true, help: 'folder for the artefacts' });
  parser.add_argument('--model_name', { default: '', help: 'module name (default: from the file name)' });
  parser.add_argument('--input_shapes', { default: '[]', help: 'one shape per input, e.g. [[1,3,224,224]]' });
  parser.add_argument('--output_names', {
    default: '',
    help: 'cut the network here: ONNX tensor names, separated by commas',
  });
  parser.add_argument('--quantize_table', {
    default: '',
    help: 'layers to keep float: a file, or name:MODE,name:MODE',
  });
  parser.add_argument('--evaluation', {
    default: '',
    help: 'folder or .zip of samples to compare on (default: the calibration samples)',
  });
  parser.add_argument('--labels', {
    default: '',
    help: 'csv with the columns file and class_index: adds top-1 accuracy to the table',
  });
  parser.add_argument('--limit', { type: 'int', default: 0, help: 'compare on this many samples (default: 0 = all)' });
  declareCalibrationFlags(parser);
  declarePreprocessFlags(parser);
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const processors = args.list('processor').map((name) => name.toLowerCase());
  const targets = processors.map(targetFor);
  const folder = args.string('output');
  const graph = readModel(args, terminal);
  // Opened first: wrong labels or an empty folder must not cost a calibration.
  const samples = await readEvaluationSamples(args, graph);
  const tableText = await calibrateToText(args, graph, terminal);
  const candidates = targets.map((target, index): Candidate => {
    const sources = { graph, processor: processors[index]!, calibrationTable: parseCalibrationTable(tableText) };
    const plan = planFor(args, sources, terminal);
    const lowered = target.lower(graph, plan, terminal.emit);
    return { plan, graph: lowered, artefacts: target.artefacts(lowered, plan) };
  });
  const evaluation = await evaluateCandidates({ graph, candidates, samples, emit: terminal.emit });

  const files: OutputFile[] = [
    ...describe(mlirFiles(graph, `${graph.name}.mlir`, topWeightFileName(graph)), 'float network, Top dialect'),
    { path: `${graph.name}_cali_table`, bytes: tableText, description: 'calibration table' },
    ...candidates.flatMap(({ artefacts }) =>
      artefacts.map(({ name, bytes, description }) => ({ path: name, bytes, description })),
    ),
    { path: 'report.json', bytes: reportJson(graph, evaluation, candidates), description: 'these figures per output' },
  ].map((file) => ({ ...file, path: join(folder, file.path) }));
  writeFilesWhole(files);
  terminal.print(`\n${renderQuantizeReport(graph, evaluation)}\n\nwritten:`);
  for (const file of files) terminal.print(`  ${file.path}: ${file.description}`);
  return exitStatus.ok;
}

interface OutputFile {
  readonly path: string;
  readonly bytes: Uint8Array | string;
  readonly description: string;
}

function describe(files: readonly Omit<OutputFile, 'description'>[], description: string): OutputFile[] {
  return files.map((file, index) => ({ ...file, description: index === 0 ? description : 'its weights' }));
}

function readModel(args: Arguments, terminal: Terminal): Graph {
  const path = args.string('model');
  const options: ModelOptions = {
    name: args.optionalString('model_name') ?? nameOfModelFile(path),
    inputShapes: args.shapes('input_shapes'),
    outputNames: args.list('output_names'),
    modelData: args.optionalString('model_data'),
    preprocess: extname(path).toLowerCase() === '.mlir' ? undefined : readPreprocess(args),
    emit: terminal.emit,
  };
  requireModelData(path, options);
  return loadModel(path, 'model', options);
}

async function calibrateToText(args: Arguments, graph: Graph, terminal: Terminal): Promise<string> {
  const options = readCalibrationOptions(args);
  const dataset = await openSamples(graph, {
    dataset: args.optionalString('dataset'),
    dataList: args.optionalString('data_list'),
    inputNum: args.integer('input_num'),
  });
  const calibration = await calibrate(graph, dataset, {
    ...options,
    header: { time: generationTime(), version: compatibleVersion, mlirFile: `${graph.name}.mlir` },
    emit: terminal.emit,
  });
  return printCalibrationTable(calibration.table);
}

/** The plan goes through the table's text, so that model_deploy on the written files gives the same network. */
function planFor(args: Arguments, sources: Omit<PlanSources, 'precision'>, terminal: Terminal): Plan {
  const quantizeTable = args.optionalString('quantize_table');
  return planFromTables({
    ...sources,
    precision: 'INT8',
    ...(quantizeTable === undefined
      ? {}
      : { quantizeTable: readQuantizeTable(quantizeTable, terminal), quantizeTableName: quantizeTable }),
  });
}

export const quantize: CommandBody = { declare, run };
