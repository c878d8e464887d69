import { type Graph, namedLayers, nearest, printQuantizeTable, QError, type QuantizeMode, quantizeHeader } from '@q/ir';
import { type FloatBlock, floatForward } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import { floatTypeFor, processorNames } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine } from '../version.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('mlir_file', { help: 'Top .mlir file' });
  parser.add_argument('--processor', '--chip', {
    required: true,
    choices: [...processorNames],
    help: 'target processor',
  });
  parser.add_argument('--fpfwd_inputs', '-fpfwd_inputs', {
    default: '',
    help: 'these layers and everything before them: a,b',
  });
  parser.add_argument('--fpfwd_outputs', '-fpfwd_outputs', {
    default: '',
    help: 'these layers and everything after them: a,b',
  });
  parser.add_argument('--fpfwd_blocks', '-fpfwd_blocks', {
    default: [],
    nargs: '*',
    help:
      'layers between starts and ends: s1,s2:e1 s3:e3; or, as in the BM1684 tools, names alone: a,b with what follows them ' +
      'up to the next layer that computes',
  });
  parser.add_argument('--fp_type', {
    default: 'auto',
    choices: ['auto', 'F16', 'F32', 'BF16'],
    help: 'float type (default: auto)',
  });
  parser.add_argument('--quantize', { default: '', help: 'accepted as the manual prints it; has no effect' });
  parser.add_argument('-o', '--quantize_free_table', { required: true, help: 'quantize table to write' });
}

interface Blocks {
  readonly blocks: readonly FloatBlock[];
  readonly stretches: readonly string[];
}

/** `start:end` of TPU-MLIR, or names as the BM1684 tools take them: each layer up to the next that computes. */
function readBlocks(items: readonly string[], graph: Graph): Blocks {
  const read = items.map((item) => splitBlock(item, graph));
  return {
    blocks: read.flatMap((block) => ('starts' in block ? [block] : [])),
    stretches: read.flatMap((block) => ('names' in block ? block.names : [])),
  };
}

function splitBlock(item: string, graph: Graph): FloatBlock | { readonly names: readonly string[] } {
  const known = new Set(graph.ops.map(({ name }) => name));
  const layersOf = (text: string) => namedLayers(graph, text.split(','));
  const names = layersOf(item).filter((name) => name !== '');
  if (!item.includes(':') || names.every((name) => known.has(name))) return { names };
  // Names of TensorFlow hold colons, too: the one counts that leaves layers on both sides.
  const cuts = [...item.matchAll(/:/g)].map(({ index }) => ({
    starts: layersOf(item.slice(0, index)),
    ends: layersOf(item.slice(index + 1)),
  }));
  const meant = cuts.find(({ starts, ends }) => [...starts, ...ends].every((name) => known.has(name)));
  const only = cuts.length === 1 ? cuts[0]! : undefined;
  const block = meant ?? only;
  if (block !== undefined && [...block.starts, ...block.ends].every((name) => name !== '')) return block;
  throw new QError(`--fpfwd_blocks has "${item}"`, {
    code: 'cli.bad-flag-value',
    where: '--fpfwd_blocks',
    found: item,
    expected: 'start:end, with commas between several starts or ends and spaces between blocks; or names alone',
  });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  const processor = args.string('processor');
  const mode = floatTypeFor(processor, args.string('fp_type')) as QuantizeMode;
  const graph = loadMlir(args.string('mlir_file'), 'mlir_file');
  const { layers, unknown } = floatForward(graph, {
    inputs: namedLayers(graph, args.list('fpfwd_inputs')),
    outputs: namedLayers(graph, args.list('fpfwd_outputs')),
    ...readBlocks(args.words('fpfwd_blocks'), graph),
  });
  for (const name of unknown) warnOfUnknown(name, graph, terminal);
  // The original lists unknown names too; deployment ignores them.
  const names = [...layers, ...unknown];
  const path = args.string('quantize_free_table');
  writeFileWhole(
    path,
    printQuantizeTable({
      header: quantizeHeader({ time: generationTime(), processor, mode, layers: names.length }),
      rows: new Map(names.map((name) => [name, { mode }])),
      comments: new Map(),
      warnings: [],
    }),
  );
  terminal.print(`Output quantization table to ${path}: ${names.length} layers in ${mode}`);
  return exitStatus.ok;
}

function warnOfUnknown(name: string, graph: Graph, terminal: Terminal): void {
  terminal.print(`warning, op: ${name} not found in mlir file, please check it again`);
  const similar = nearest(
    name,
    graph.ops.map((op) => op.name),
  );
  if (similar !== undefined) terminal.warn(`  did you mean ${similar}?`);
}

export const fpForward: CommandBody = { declare, run };
