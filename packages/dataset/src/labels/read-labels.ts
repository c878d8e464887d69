import { type Issue, QError } from '@q/ir';
import { parseCsvLine } from './csv.ts';

/**
 * Reads class labels: a CSV whose header names the columns `file` and `class_index`; other columns are ignored.
 * Gives the class of each file by its name as written. Every bad row is reported at once.
 */
export function readLabels(text: string, where: string): ReadonlyMap<string, number> {
  const [header, ...rows] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const columns = parseCsvLine(header?.replace(/^\uFEFF/, '') ?? '');
  const fileColumn = columns.indexOf('file');
  const classColumn = columns.indexOf('class_index');
  if (fileColumn === -1 || classColumn === -1) {
    throw new QError(`The labels ${where} have no columns file and class_index.`, {
      code: 'dataset.labels',
      where,
      found: columns.join(',') || 'an empty file',
      expected: 'a header line with the columns file and class_index',
    });
  }
  const labels = new Map<string, number>();
  const issues: Issue[] = [];
  for (const [i, row] of rows.entries()) {
    const fields = parseCsvLine(row);
    const file = fields[fileColumn] ?? '';
    const index = fields[classColumn] ?? '';
    if (file !== '' && /^\d+$/.test(index)) labels.set(file, Number(index));
    else
      issues.push({
        code: 'dataset.labels',
        where: `${where}, row ${i + 2}`,
        found: row,
        expected: 'a file name and a whole class index',
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
