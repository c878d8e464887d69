import { calibrate } from '@q/calib';
import { printCalibrationTable, QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { openSamples } from '../files/dataset-files.ts';
import { loadMlir } from '../files/model-files.ts';
import { writeFileWhole } from '../files/output-files.ts';
import { generationTime } from '../generation-time.ts';
import { processorNames } from '../processors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { bannerLine, compatibleVersion } from '../version.ts';
import { declareCalibrationFlags, readCalibrationOptions } from './calibration-flags.ts';

/** Flags of the original that this version knows and cannot honour: they are refused by name, never ignored. */
const notBuiltYet: readonly (readonly [flag: string, off: string])[] = [
  ['search', 'False'],
  ['debug_cmd', ''],
];

function declare(parser: ArgumentParser): void {
  parser.add_argument('mlir_file', { help: 'Top .mlir of model_transform' });
  declareCalibrationFlags(parser);
  parser.add_argument('--processor', '--chip', {
    default: 'bm1684x',
    choices: [...processorNames],
    help: 'target processor (default: bm1684x)',
  });
  parser.add_argument('-o', '--calibration_table', { required: true, help: 'calibration table to write' });
  parser.add_argument('--we', { action: 'store_true', help: 'weight equalization (not in this version)' });
  parser.add_argument('--bc', { action: 'store_true', help: 'bias correction (not in this version)' });
  parser.add_argument('--search', { default: 'False', help: 'search_threshold, search_qtable (not in this version)' });
  parser.add_argument('--tune_list', {
    default: '',
    help: 'samples of the tuner: a list like --data_list (default: the calibration samples)',
  });
  parser.add_argument('--debug_cmd', { default: '', help: 'developer switches (not in this version)' });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  terminal.print(bannerLine);
  refuseUnbuilt(args);
  const path = args.string('mlir_file');
  const target = args.string('calibration_table');
  const options = readCalibrationOptions(args);
  const graph = loadMlir(path, 'mlir_file');
  const dataset = await openSamples(graph, {
    dataset: args.optionalString('dataset'),
    dataList: args.optionalString('data_list'),
    inputNum: args.integer('input_num'),
  });
  const tuneList = args.optionalString('tune_list');
  // At most --tune_num entries of the list are kept (calibration.md 1.3).
  const tuneDataset =
    tuneList === undefined ? undefined : await openSamples(graph, { dataList: tuneList, inputNum: options.tuneNum });
  const calibration = await calibrate(graph, dataset, {
    ...options,
    ...(tuneDataset === undefined ? {} : { tuneDataset, tuneNum: tuneDataset.length }),
    header: { time: generationTime(), version: compatibleVersion, mlirFile: path },
    emit: terminal.emit,
  });
  writeFileWhole(target, printCalibrationTable(calibration.table));
  terminal.print(`calibration table written to ${target}`);
  return exitStatus.ok;
}

function refuseUnbuilt(args: Arguments): void {
  const given = [
    ...notBuiltYet
      .filter(([flag, off]) => (args.optionalString(flag) ?? '') !== off && args.optionalString(flag) !== undefined)
      .map(([flag]) => flag),
    ...['we', 'bc'].filter((flag) => args.flag(flag)),
  ];
  if (given.length === 0) return;
  throw new QError(`not in this version: ${given.map((flag) => `--${flag}`).join(', ')}`, {
    code: 'cli.not-in-this-version',
    where: given.map((flag) => `--${flag}`).join(', '),
    hint: 'calibrate without it; the table would not be what these flags promise',
  });
}

export const runCalibration: CommandBody = { declare, run };
