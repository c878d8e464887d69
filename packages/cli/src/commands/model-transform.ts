import { extname } from 'node:path';
import { QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { loadModel, type ModelOptions, mlirFiles, requireModelData, topWeightFileName } from '../files/model-files.ts';
import { writeFilesWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';
import { preprocessBanner } from './preprocess-banner.ts';
import { declarePreprocessFlags, readPreprocess } from './preprocess-flags.ts';
import { writeTestResult } from './test-result.ts';

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
  const graph = loadModel(definition, '--model_def', options);
  writeFilesWhole(mlirFiles(graph, target, topWeightFileName(graph)));
  terminal.print(`Mlir file generated:${target}`);
  if (testInput.length > 0) await writeTestResult(graph, testInput, testResult!, terminal);
  return exitStatus.ok;
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
