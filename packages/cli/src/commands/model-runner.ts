import { extname } from 'node:path';
import { type Graph, QError, readNpz, type Tensor, writeNpz } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readInputFile } from '../files/input-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { runNetwork } from '../network/run-network.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { openModel } from './open-model.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('--input', { required: true, help: 'npz of the network inputs' });
  parser.add_argument('--model', {
    required: true,
    help: '.mlir (Top or lowered), .onnx, .prototxt with --weight, or the file of model_deploy --model',
  });
  parser.add_argument('--weight', { default: '', help: 'the .caffemodel of a .prototxt' });
  parser.add_argument('--output', { default: '_output.npz', help: 'npz to write (default: _output.npz)' });
  parser.add_argument('--dump_all_tensors', { action: 'store_true', help: 'every tensor instead of the outputs' });
  parser.add_argument('--out_fixed', { action: 'store_true', help: 'integer results as codes, not as reals' });
  parser.add_argument('--debug', { nargs: '?', const: '', default: null, help: 'accepted, without effect' });
  parser.add_argument('--cuda', { action: 'store_true', help: 'refused: the simulation runs on the CPU' });
  parser.add_argument('--decrypt_lib', { default: '', help: 'refused: encrypted models are not read' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  for (const flag of ['cuda', 'decrypt_lib']) {
    if (!args.flag(flag) && args.optionalString(flag) === undefined) continue;
    throw new QError(`--${flag}: not in this version`, { code: 'cli.not-in-this-version', where: `--${flag}` });
  }
  const [modelPath, inputPath, outputPath] = [args.string('model'), args.string('input'), args.string('output')];
  const graph = openModel(modelPath, { weight: args.optionalString('weight'), emit: terminal.emit });
  const inputs = readNpz(readInputFile(inputPath, '--input'), inputPath);
  const allTensors = args.flag('dump_all_tensors');
  const results = await runNetwork(graph, inputs, { allTensors, fixed: args.flag('out_fixed'), emit: terminal.emit });
  const named = !allTensors && extname(modelPath) === '.onnx' ? byTensorName(results, graph) : results;
  terminal.print('\nSaving ...');
  writeFileWhole(outputPath, writeNpz(named));
  terminal.print(`\nResult saved to:${outputPath}`);
  return exitStatus.ok;
}

/** Outputs of an ONNX file under the names of its own tensors, and nothing but outputs. */
function byTensorName(results: ReadonlyMap<string, Tensor>, graph: Graph): Map<string, Tensor> {
  return new Map(graph.outputs.map((name) => [graph.tensorNames.get(name) ?? name, results.get(name)!]));
}

export const modelRunner: CommandBody = { declare, run };
