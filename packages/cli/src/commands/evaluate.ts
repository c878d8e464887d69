import { join } from 'node:path';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { nameOfModelFile } from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { readHarness } from './evaluate-config.ts';
import { declareHeadFlags } from './evaluate-detection.ts';
import { readTask } from './evaluate-labels.ts';
import { readNetworks } from './evaluate-networks.ts';
import { evaluationCsv, evaluationJson, renderEvaluation } from './evaluate-report.ts';
import { runEvaluation } from './evaluate-run.ts';
import { openSampleSet } from './evaluate-samples.ts';
import { declareInterpolationFlag } from './interpolation-flag.ts';
import { declarePreprocessFlags } from './preprocess-flags.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('model', {
    nargs: '*',
    help: 'networks to measure, the reference first: .onnx (float or QDQ), Top or lowered .mlir, Caffe .prototxt',
  });
  parser.add_argument('--config', {
    default: '',
    help: 'mlir.config.yaml: models, samples and labels from its fields mlir_transform, dataset and harness',
  });
  parser.add_argument('--target', {
    default: '',
    help: 'section of --config, e.g. BM1684X (default: its only or first one)',
  });
  parser.add_argument('--variable', {
    action: 'append',
    default: [],
    help: 'NAME=VALUE for $(NAME) in --config; may be repeated',
  });
  parser.add_argument('--model_data', { default: '', help: 'the .caffemodel of a .prototxt' });
  parser.add_argument('--dataset', {
    default: '',
    help: 'folder of samples, a .zip of one, or an .npz whose rows are samples',
  });
  parser.add_argument('--data_list', { default: '', help: 'text file with one sample per line; wins over --dataset' });
  parser.add_argument('--limit', { type: 'int', default: 0, help: 'use this many samples (default: 0 = all)' });
  declareLabelFlags(parser);
  declarePlanFlags(parser);
  parser.add_argument('-o', '--output', { default: '', help: 'folder for <harness>.csv and <harness>.json' });
  parser.add_argument('--input_shapes', { default: '[]', help: 'one shape per input, e.g. [[1,3,224,224]]' });
  parser.add_argument('--output_names', {
    default: '',
    help: 'cut the network here: ONNX tensor names, separated by commas',
  });
  declareHeadFlags(parser, 0.01, 0.6);
  declarePreprocessFlags(parser);
  declareInterpolationFlag(parser);
}

function declareLabelFlags(parser: ArgumentParser): void {
  const group = parser.add_argument_group(
    'labels',
    'what is measured; without any of these, agreement with the first network',
  );
  group.add_argument('--labels', { default: '', help: 'csv with the columns file and class_index: top-1, top-5' });
  group.add_argument('--annotations', { default: '', help: "COCO's detection JSON: average precision" });
  group.add_argument('--targets', { default: '', help: 'folder or .zip of grey pictures of the same names: PSNR' });
  group.add_argument('--peak', {
    type: 'float',
    default: 1,
    help: "white in the network's output, for --targets (default: 1)",
  });
  group.add_argument('--texts', { default: '', help: 'csv with the columns file and text: words read right' });
  group.add_argument('--category_file', { default: '', help: 'class names (or the signs of --texts), one per line' });
}

function declarePlanFlags(parser: ArgumentParser): void {
  const group = parser.add_argument_group('lowering', 'the first network is also measured lowered for each processor');
  group.add_argument('--processor', '--chip', { default: '', help: 'processors, separated by commas' });
  group.add_argument('--quantize', { default: 'INT8', help: 'INT8, F16, BF16, F32 (default: INT8)' });
  group.add_argument('--calibration_table', {
    default: '',
    help: 'tables of run_calibration, separated by commas; needed by INT8',
  });
  group.add_argument('--quantize_table', { default: '', help: 'modes of single layers' });
  group.add_argument('--asymmetric', { action: 'store_true', help: 'asymmetric activations' });
}

async function run(given: Arguments, terminal: Terminal): Promise<number> {
  const { args, models } = readHarness(given, { name: 'evaluate', declare, run }, terminal);
  const networks = readNetworks(args, models, terminal);
  const samples = await openSampleSet(args, networks[0]!.graph);
  const task = await readTask(args, samples, networks);
  const results = await runEvaluation({ networks, samples, task, emit: terminal.emit });
  terminal.print(renderEvaluation(results, samples.length));
  const folder = args.optionalString('output');
  if (folder !== undefined)
    writeReports(folder, {
      model: modelName(args, models[0]!.path),
      task: task.harness,
      samples: samples.length,
      results,
      terminal,
    });
  return exitStatus.ok;
}

function modelName(args: Arguments, path: string): string {
  return args.optionalString('model_name') ?? nameOfModelFile(path);
}

interface Reports {
  readonly model: string;
  readonly task: string;
  readonly samples: number;
  readonly results: Awaited<ReturnType<typeof runEvaluation>>;
  readonly terminal: Terminal;
}

function writeReports(folder: string, { model, task, samples, results, terminal }: Reports): void {
  const files = [
    { path: join(folder, `${task}.csv`), bytes: evaluationCsv(model, results) },
    { path: join(folder, `${task}.json`), bytes: evaluationJson(model, task, samples, results) },
  ];
  writeFilesWhole(files);
  for (const { path } of files) terminal.print(`written: ${path}`);
}

export const evaluate: CommandBody = { declare, run };
