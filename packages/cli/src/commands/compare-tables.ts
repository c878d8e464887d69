import { compareTables, type TableComparison } from '@q/calib';
import { parseCalibrationTable, QError } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import type { Arguments } from '../arguments/arguments.ts';
import { type CommandBody, exitStatus } from '../command.ts';
import { readInputText } from '../files/input-files.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

const COLUMNS = ['threshold', 'min', 'max'] as const;

function declare(parser: ArgumentParser): void {
  parser.add_argument('a', { help: 'calibration table to compare with' });
  parser.add_argument('b', { help: 'calibration table to compare' });
  parser.add_argument('--json', { action: 'store_true', help: 'print the comparison as JSON' });
  parser.add_argument('--tolerance', {
    type: 'float',
    default: -1,
    help: 'end with status 255 when a threshold differs by more, or names are missing or extra (default: only report)',
  });
}

async function run(args: Arguments, terminal: Terminal): Promise<number> {
  const [a, b] = [args.string('a'), args.string('b')].map((path) =>
    parseCalibrationTable(readInputText(path, 'calibration table'), path),
  );
  const comparison = compareTables(a!, b!);
  if (args.flag('json')) terminal.print(JSON.stringify(comparison, undefined, 2));
  else for (const line of reportLines(comparison)) terminal.print(line);
  return isWithin(
    comparison,
    args.real('tolerance', (value) => value >= -1, 'a number >= 0'),
  )
    ? exitStatus.ok
    : exitStatus.mismatch;
}

function isWithin({ summary, missing, extra }: TableComparison, tolerance: number): boolean {
  if (summary === undefined) {
    throw new QError('the tables have no layer in common', {
      code: 'cli.tables-differ',
      found: `${missing.length} and ${extra.length} names, none of them the same`,
      expected: 'tables of one model',
    });
  }
  return tolerance < 0 || (summary.threshold.worst <= tolerance && missing.length === 0 && extra.length === 0);
}

function reportLines({ rows, missing, extra, summary }: TableComparison): string[] {
  const figure = (value: number): string => (value === 0 ? '0' : value.toExponential(1));
  const perLayer = rows.map((row) => [row.name, ...COLUMNS.map((column) => figure(row[column]))]);
  const overall =
    summary === undefined
      ? []
      : (['median', 'p95', 'worst'] as const).map((key) => [
          key,
          ...COLUMNS.map((column) => figure(summary[column][key])),
        ]);
  return [
    renderTable(columns('relative difference of'), perLayer),
    '',
    renderTable(columns(`of ${rows.length} layers`), overall),
    ...(missing.length === 0 ? [] : ['', `missing in the second table: ${missing.join(', ')}`]),
    ...(extra.length === 0 ? [] : ['', `only in the second table: ${extra.join(', ')}`]),
  ];
}

function columns(title: string): Column[] {
  return [{ title, align: 'left' }, ...COLUMNS.map((column): Column => ({ title: column, align: 'right' }))];
}

export const compareTablesCommand: CommandBody = { declare, run };
