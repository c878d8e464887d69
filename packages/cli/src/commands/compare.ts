import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Graph, readNpy, readNpz, type Tensor } from '@q/ir';
import { type CodeScale, type LsbReport, lsbReport, valuesOf } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { folderSource } from '../files/folder-source.ts';
import { kindOfPath, readInputFile } from '../files/input-files.ts';
import { runNetwork } from '../network/run-network.ts';
import { renderTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { openModel } from './open-model.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('--model', {
    required: true,
    help: 'the lowered network: *_tpu.mlir, or the file of model_deploy --model',
  });
  parser.add_argument('--input', { required: true, help: 'npz of the inputs that the dump was made with' });
  parser.add_argument('--dump', {
    required: true,
    help: 'what a device or another simulator left: an npz, or a folder of npz and npy files, by layer name',
  });
  parser.add_argument('--dumped_as', {
    default: 'auto',
    choices: ['auto', 'codes', 'reals'],
    help: 'whether dumped integer layers are codes or the reals that they stand for (default: auto)',
  });
  parser.add_argument('--max_lsb', {
    default: '',
    help: 'exit with 255 when a layer is farther away than this many LSBs',
  });
  parser.add_argument('--top', { type: 'int', default: 0, help: 'show so many layers only; 0: all' });
  parser.add_argument('--json', { action: 'store_true', help: 'print the report as one JSON object' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const graph = openModel(args.string('model'), { emit: terminal.emit });
  const inputPath = args.string('input');
  const inputs = readNpz(readInputFile(inputPath, '--input'), inputPath);
  const codes = await runNetwork(graph, inputs, { allTensors: true, fixed: true, emit: terminal.emit });
  const dumped = await readDump(args.string('dump'));
  const form = args.string('dumped_as');
  const report = lsbReport({
    ours: asNumbers(codes),
    dumped: asNumbers(dumped),
    scales: scalesOf(graph),
    dumpedAs: form === 'codes' || form === 'reals' ? form : 'auto',
  });
  if (args.flag('json')) terminal.print(JSON.stringify(report));
  else for (const line of reportLines(report, args.integer('top'))) terminal.print(line);
  const [limit] = args.numbers('max_lsb') ?? [];
  const worst = report.layers[0]?.maxLsb ?? 0;
  if (limit === undefined || worst <= limit) return exitStatus.ok;
  terminal.warn(`error: ${report.layers[0]!.name} is ${lsbText(worst)} LSB away, ${limit} are allowed [cli.lsb-limit]`);
  return exitStatus.mismatch;
}

function asNumbers(tensors: ReadonlyMap<string, Tensor>): Map<string, ArrayLike<number>> {
  return new Map([...tensors].map(([name, tensor]) => [name, valuesOf(tensor)]));
}

/** Layers of codes with one scale for the whole tensor. */
function scalesOf(graph: Graph): Map<string, CodeScale> {
  const scales = new Map<string, CodeScale>();
  for (const [name, { quantization }] of graph.values) {
    if (quantization?.kind !== 'uniform') continue;
    scales.set(name, { scale: quantization.scale, zeroPoint: quantization.zeroPoint });
  }
  return scales;
}

/** Arrays by layer name: of one npz, or of all npz and npy files of a folder (an npy is named after its layer). */
async function readDump(path: string): Promise<Map<string, Tensor>> {
  if (kindOfPath(path, '--dump') === 'file') return readNpz(readInputFile(path, '--dump'), path);
  const tensors = new Map<string, Tensor>();
  for (const name of [...(await folderSource(path).list())].sort()) {
    const file = join(path, name);
    if (!existsSync(file)) continue;
    if (name.endsWith('.npz')) {
      for (const [key, tensor] of readNpz(readInputFile(file, '--dump'), file)) tensors.set(key, tensor);
    } else if (name.endsWith('.npy')) {
      tensors.set(name.slice(0, -'.npy'.length), readNpy(readInputFile(file, '--dump'), file));
    }
  }
  return tensors;
}

function reportLines(report: LsbReport, top: number): string[] {
  const missing = (what: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`${what}: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`];
  return [
    layerTable(top > 0 ? report.layers.slice(0, top) : report.layers),
    '',
    `${report.layers.length} layers compared, dumped as ${report.dumpedAs}`,
    report.firstDifferent === undefined
      ? 'no layer differs'
      : `first layer that differs, in program order: ${report.firstDifferent}`,
    ...missing('not in the dump', report.onlyOurs),
    ...missing('in the dump only', report.onlyDumped),
    ...missing(
      'sizes differ',
      report.sizesDiffer.map(({ name, ours, dumped }) => `${name} (${ours} | ${dumped})`),
    ),
  ];
}

function layerTable(layers: LsbReport['layers']): string {
  const columns = [
    { title: 'layer, worst first', align: 'left' },
    { title: 'data', align: 'left' },
    { title: 'max LSB', align: 'right' },
    { title: 'mean LSB', align: 'right' },
    { title: 'different', align: 'right' },
    { title: 'worst element: ours | dumped', align: 'left' },
  ] as const;
  const rows = layers.map((layer) => [
    layer.name,
    layer.isQuantized ? 'codes' : 'float',
    lsbText(layer.maxLsb),
    lsbText(layer.meanLsb),
    `${layer.different}/${layer.elements}`,
    `[${layer.worst.index}] ${layer.worst.ours} | ${layer.worst.dumped}`,
  ]);
  return renderTable(columns, rows);
}

function lsbText(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3).replace(/\.?0+$/, '') : 'inf';
}

export const compare: CommandBody = { declare, run };
