import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kindOf, shuffleLikePython } from '@q/dataset';
import { QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { kindOfPath } from '../files/input-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('dataset', { help: 'folder of samples' });
  parser.add_argument('num', { type: 'int', help: 'number of samples; 0 means all' });
  parser.add_argument('output', { help: 'list to write' });
  parser.add_argument('--seed', {
    type: 'int',
    default: -1,
    help: 'shuffle as Python seeded with this does (default: another order each time, as TPU-MLIR does)',
  });
  parser.add_argument('--any_file', {
    action: 'store_true',
    help: 'list every file, as TPU-MLIR does, not samples only',
  });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const folder = args.string('dataset');
  if (kindOfPath(folder, 'dataset') !== 'folder') {
    throw new QError(`${folder} is no folder`, { code: 'cli.not-a-dataset', where: folder, expected: 'a folder' });
  }
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => args.flag('any_file') || kindOf(path) !== undefined)
    .sort();
  if (files.length === 0) {
    throw new QError(`There are no samples in ${folder}.`, {
      code: 'dataset.empty',
      where: folder,
      expected: 'images, npy or npz files',
    });
  }
  const seed = args.integer('seed', -1);
  const shuffled = shuffleLikePython(files, seed < 0 ? Math.floor(Math.random() * 2 ** 32) : seed);
  const num = args.integer('num');
  const chosen = num === 0 ? shuffled : shuffled.slice(0, num);
  const output = args.string('output');
  writeFileWhole(output, chosen.map((path) => `${path}\n`).join(''));
  terminal.print(`${chosen.length} of ${files.length} samples listed in ${output}`);
  return exitStatus.ok;
}

export const genDataList: CommandBody = { declare, run };
