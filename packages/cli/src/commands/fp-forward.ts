import { printQuantizeTable, QError, type QuantizeMode, quantizeHeader } from '@q/ir';
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
  parser.add_argument('--fpfwd_inputs', { default: '', help: 'these layers and everything before them: a,b' });
  parser.add_argument('--fpfwd_outputs', { default: '', help: 'these layers and everything after them: a,b' });
  parser.add_argument('--fpfwd_blocks', {
    default: [],
    nargs: '*',
    help: 'layers between starts and ends: s1,s2:e1 s3:e3',
  });
  parser.add_argument('--fp_type', {
    default: 'auto',
    choices: ['auto', 'F16', 'F32', 'BF16'],
    help: 'float type (default: auto)',
  });
  parser.add_argument('--quantize', { default: '', help: 'accepted as the manual prints it; has no effect' });
  parser.add_argument('-o', '--quantize_free_table', { required: true, help: 'quantize table to write' });
}

function parseBlock(text: string): FloatBlock {
  const [starts, ends, ...rest] = text.split(':');
  if (!starts || !ends || rest.length > 0) {
    throw new QError(`--fpfwd_blocks has "${text}"`, {
      code: 'cli.bad-flag-value',
      where: '--fpfwd_blocks',
      found: text,
      expected: 'start:end, with commas between several starts or ends and spaces between blocks',
    });
  }
  return { starts: starts.split(','), ends: ends.split(',') };
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  const processor = args.string('processor');
  const mode = floatTypeFor(processor, args.string('fp_type')) as QuantizeMode;
  const graph = loadMlir(args.string('mlir_file'), 'mlir_file');
  const { layers, unknown } = floatForward(graph, {
    inputs: args.list('fpfwd_inputs'),
    outputs: args.list('fpfwd_outputs'),
    blocks: args.words('fpfwd_blocks').map(parseBlock),
  });
  for (const name of unknown) terminal.print(`warning, op: ${name} not found in mlir file, please check it again`);
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

export const fpForward: CommandBody = { declare, run };
