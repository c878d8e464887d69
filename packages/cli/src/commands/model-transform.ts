import { extname } from 'node:path';
import { finishImport, QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { pairOf } from '../deploy/tolerance.ts';
import {
  loadModel,
  type ModelOptions,
  mlirFiles,
  originFile,
  requireModelData,
  topWeightFileName,
} from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';
import { verifyTransform } from './model-transform-verify.ts';
import { preprocessBanner } from './preprocess-banner.ts';
import { declarePreprocessFlags, readPreprocess } from './preprocess-flags.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('--model_name', { required: true, help: 'module name; prefix of all files that are written' });
  parser.add_argument('--model_def', { required: true, help: 'the .onnx file, or the .prototxt of a Caffe network' });
  parser.add_argument('--model_data', { default: '', help: 'the .caffemodel of a .prototxt' });
  parser.add_argument('--input_shapes', {
    default: '[]',
    help: 'one shape per input, e.g. [[1,3,224,224]]; without it all dimensions must be static',
  });
  parser.add_argument('--output_names', {
    default: '',
    help: 'cut the network here: names of ONNX tensors or Caffe blobs, separated by commas',
  });
  parser.add_argument('--test_input', {
    default: '',
    help: 'image, npy or npz to run the network on (several: separated by commas)',
  });
  parser.add_argument('--test_result', {
    default: '',
    help: 'npz to write: every tensor of the network for --test_input',
  });
  parser.add_argument('--test_reference', {
    default: '',
    help: "npz of the framework's results for --test_input, by tensor or layer name (default: the network run node by node)",
  });
  parser.add_argument('--tolerance', { default: '0.99,0.99', help: 'least cosine and euclidean similarity' });
  parser.add_argument('--excepts', { default: '-', help: 'tensors that are not compared, separated by commas' });
  parser.add_argument('--debug', { action: 'store_true', help: 'keep <model_name>_ref_outputs.npz' });
  parser.add_argument('--mlir', { required: true, help: 'file to write, ends in .mlir' });
  declarePreprocessFlags(parser);
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  const definition = args.string('model_def');
  const target = args.string('mlir');
  if (extname(target) !== '.mlir') throw badFlag('mlir', target, 'a file name that ends in .mlir');
  if (!['.onnx', '.prototxt'].includes(extname(definition).toLowerCase()))
    throw badFlag('model_def', definition, 'a .onnx or .prototxt file');
  const testInput = args.list('test_input');
  const testResult = args.optionalString('test_result');
  if (testInput.length > 0 && testResult === undefined)
    throw badFlag('test_result', 'nothing', 'a file to write, because --test_input is given');

  const inputShapes = args.shapes('input_shapes');
  const preprocess = readPreprocess(args);
  if (preprocess !== undefined) for (const line of preprocessBanner(preprocess)) terminal.print(line);
  const options: ModelOptions = {
    name: args.string('model_name'),
    inputShapes,
    outputNames: args.list('output_names'),
    modelData: args.optionalString('model_data'),
    preprocess,
    emit: terminal.emit,
  };
  requireModelData(definition, options);
  const origin = loadModel(definition, '--model_def', { ...options, stage: 'origin' });
  const graph = finishImport(origin);
  writeFilesWhole([originFile(origin, target), ...mlirFiles(graph, target, topWeightFileName(graph))]);
  terminal.print(`Mlir file generated:${target}`);
  if (testInput.length === 0) return exitStatus.ok;
  const passed = await verifyTransform({
    graph,
    target,
    definition,
    testInput,
    testResult: testResult!,
    reference: args.optionalString('test_reference'),
    nodeByNode: () => loadModel(definition, '--model_def', { ...options, stage: 'nodes', emit: () => {} }),
    tolerance: pairOf(args, 'tolerance')!,
    excepts: args.list('excepts'),
    keepsReference: args.flag('debug'),
    terminal,
  });
  return passed ? exitStatus.ok : exitStatus.mismatch;
}

function badFlag(flag: string, found: string, expected: string): QError {
  return new QError(`--${flag} is ${found}; ${expected} is expected`, {
    code: 'cli.bad-flag-value',
    where: `--${flag}`,
    found,
    expected,
  });
}

export const modelTransform: CommandBody = { declare, run };
