import { type Issue, QError } from '@q/ir';
import { parseCsvLine } from './csv.ts';

/**
 * Reads class labels: a CSV whose header names the columns `file` and `class_index`; other columns are ignored.
 * Gives the class of each file by its name as written. Every bad row is reported at once.
 */
export function readLabels(text: string, where: string): ReadonlyMap<string, number> {
  const isIndex = (field: string): boolean => /^\d+$/.test(field);
  const column = readColumn(text, where, { column: 'class_index', isValid: isIndex, expected: 'a whole class index' });
  return new Map([...column].map(([file, index]) => [file, Number(index)]));
}

/** Reads what the images say: a CSV with the columns `file` and `text`. */
export function readTexts(text: string, where: string): ReadonlyMap<string, string> {
  return readColumn(text, where, { column: 'text', isValid: (field) => field !== '', expected: 'a text' });
}

interface ColumnRule {
  readonly column: string;
  readonly expected: string;
  isValid(field: string): boolean;
}

function readColumn(text: string, where: string, { column, isValid, expected }: ColumnRule): Map<string, string> {
  const [header, ...rows] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const columns = parseCsvLine(header?.replace(/^\uFEFF/, '') ?? '');
  const fileColumn = columns.indexOf('file');
  const valueColumn = columns.indexOf(column);
  if (fileColumn === -1 || valueColumn === -1) {
    throw new QError(`The labels ${where} have no columns file and ${column}.`, {
      code: 'dataset.labels',
      where,
      found: columns.join(',') || 'an empty file',
      expected: `a header line with the columns file and ${column}`,
    });
  }
  const labels = new Map<string, string>();
  const issues: Issue[] = [];
  for (const [i, row] of rows.entries()) {
    const fields = parseCsvLine(row);
    const file = fields[fileColumn] ?? '';
    const value = fields[valueColumn] ?? '';
    if (file !== '' && isValid(value)) labels.set(file, value);
    else
      issues.push({
        code: 'dataset.labels',
        where: `${where}, row ${i + 2}`,
        found: row,
        expected: `a file name and ${expected}`,
      });
  }
  const [first] = issues;
  if (first !== undefined) throw new QError(`The labels ${where} have ${issues.length} bad row(s).`, first, { issues });
  return labels;
}

/** The class of a sample file: by its path as given, else by its base name. */
export function labelOf(labels: ReadonlyMap<string, number>, file: string): number | undefined {
  return labels.get(file) ?? labels.get(file.slice(file.lastIndexOf('/') + 1));
}
