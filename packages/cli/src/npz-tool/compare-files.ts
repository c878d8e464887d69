import { QError } from '@q/ir';
import { compareTensors, matchLines, matchSummaryLines, pythonFloat, type TensorComparison } from '@q/search';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { exitStatus } from '../command.ts';
import { explainFailure, reportFuzzyMatch } from '../deploy/comparison-report.ts';
import { pairOf } from '../deploy/tolerance.ts';
import { writeFileWhole } from '../files/output-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { differenceLines, int8Lines } from './difference-lines.ts';
import { openNpz } from './npz-files.ts';
import type { Subcommand } from './subcommand.ts';

function declare(parser: ArgumentParser): void {
  parser.add_argument('target_file', { help: 'results to judge' });
  parser.add_argument('ref_file', { help: 'what they should be' });
  parser.add_argument('--verbose', '-v', {
    action: 'count',
    default: 0,
    help: '-v metrics, -vv largest values of failures, -vvv differing elements, -vvvv all elements',
  });
  parser.add_argument('--tolerance', { default: '0.99,0.99', help: 'cosine,euclidean: both must be exceeded' });
  parser.add_argument('--excepts', { default: '', help: 'tensors that are not compared, separated by commas' });
  parser.add_argument('--save', '-s', { default: '', help: 'write the results as CSV' });
  parser.add_argument('--only_key', { action: 'store_true', help: 'with --save: only the names that failed' });
  parser.add_argument('--key', '-k', { default: '', help: 'the only tensor to compare' });
  parser.add_argument('--forall', '-a', { action: 'store_true', help: 'compare every tensor of large files' });
  parser.add_argument('--per_axis_compare', { type: 'int', default: -1, help: 'compare slices along this axis' });
  parser.add_argument('--fuzzy_match', { action: 'store_true', help: 'match by shape and best similarity' });
  parser.add_argument('--int8_tensor_close', { type: 'int', default: 1, help: '1: int8 data must be equal' });
  parser.add_argument('--full-array', { action: 'store_true', help: 'accepted; arrays are never abridged here' });
  parser.add_argument('--stats_int8_tensor', { action: 'store_true', help: 'accepted; int8 statistics always show' });
}

function run(args: Arguments, terminal: Terminal): number {
  const [targetFile, referenceFile] = [args.string('target_file'), args.string('ref_file')];
  const tolerance = pairOf(args, 'tolerance')!;
  const target = { name: targetFile, tensors: openNpz(targetFile) };
  const reference = { name: referenceFile, tensors: openNpz(referenceFile) };
  const excepts = args.list('excepts');
  if (args.flag('fuzzy_match')) {
    const passed = reportFuzzyMatch({ target, reference, tolerance, excepts, terminal });
    return passed ? exitStatus.ok : exitStatus.mismatch;
  }
  const key = args.optionalString('key');
  const results = compareTensors({
    target: target.tensors,
    reference: reference.tensors,
    tolerance,
    excepts,
    ...(key === undefined ? {} : { key: knownKey(key, target.tensors, reference.tensors) }),
    all: args.flag('forall'),
    axis: args.integer('per_axis_compare', -1),
    int8MustBeEqual: args.integer('int8_tensor_close') !== 0,
  });
  printResults(results, args.integer('verbose'), args.integer('per_axis_compare', -1), terminal);
  const matches = results.map(({ match }) => match);
  const summary = matchSummaryLines(matches, targetFile, referenceFile);
  for (const line of summary.slice(0, -3)) terminal.print(line);
  saveResults(results, args, terminal);
  for (const line of summary.slice(-3)) terminal.print(line);
  explainFailure(results, tolerance, terminal);
  return matches.every(({ passed }) => passed) ? exitStatus.ok : exitStatus.mismatch;
}

function knownKey(key: string, ...files: readonly ReadonlyMap<string, unknown>[]): string {
  if (files.every((file) => file.has(key))) return key;
  throw new QError(`${key} is not in both files`, {
    code: 'cli.no-such-array',
    where: '--key',
    found: key,
    expected: 'an array of both files',
  });
}

function printResults(results: readonly TensorComparison[], verbose: number, axis: number, terminal: Terminal): void {
  for (const result of results) for (const note of result.notes) terminal.print(note);
  for (const result of results) {
    const [first, ...rest] = matchLines(result, verbose > 0);
    terminal.print(first!);
    for (const line of rest) {
      // The slice stands between the shape and the metrics.
      if (line.includes('cosine_similarity') && result.channel !== undefined) {
        terminal.print(`    channel ${result.channel} on axis ${axis} :`);
      }
      terminal.print(line);
    }
    for (const line of int8Lines(result)) terminal.print(line);
    for (const line of differenceLines(result, verbose)) terminal.print(line);
  }
}

/** `--save`: the metrics of every tensor, or the names of the failed ones. */
function saveResults(results: readonly TensorComparison[], args: Arguments, terminal: Terminal): void {
  const path = args.optionalString('save');
  if (path === undefined) return;
  const rows = results.map(({ name, match }) => {
    const metrics =
      match.status === 'SIMILAR' || match.status === 'NOT_SIMLIAR'
        ? [match.cosine, match.euclidean, match.sqnr]
        : [1, 1, Number.POSITIVE_INFINITY];
    return [name, '-', '-', match.passed ? 'True' : 'False', ...metrics.map(pythonFloat)].join(', ');
  });
  const lines = args.flag('only_key')
    ? results.filter(({ match }) => !match.passed).map(({ name }) => name)
    : ['name, op, quant, pass, sim_cos, sim_euc, sqnr', ...rows];
  writeFileWhole(path, lines.map((line) => `${line}\n`).join(''));
  terminal.print(`Results saved as ${path}`);
}

export const compareFiles: Subcommand = { summary: 'judges every tensor of a file against another', declare, run };
