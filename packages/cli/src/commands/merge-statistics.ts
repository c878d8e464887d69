import { gzipSync } from 'node:zlib';
import { encodeStatistics, mergeSavedStatistics } from '@q/calib';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { writeFileWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { readStatistics } from './calibration-statistics.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('files', {
    nargs: '+',
    help: 'statistics files of run_calibration --profile pooled --dump_dist',
  });
  parser.add_argument('-o', '--output', { required: true, help: 'statistics file to write (.gz: compressed)' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const [first, ...others] = args.words('files').map(readStatistics);
  const merged = others.reduce(mergeSavedStatistics, first!);
  const output = args.string('output');
  const text = encodeStatistics(merged);
  writeFileWhole(output, output.endsWith('.gz') ? gzipSync(text) : text);
  terminal.print(`statistics of ${merged.sampleCount} samples written to ${output}`);
  return exitStatus.ok;
}

export const mergeStatistics: CommandBody = { declare, run };
