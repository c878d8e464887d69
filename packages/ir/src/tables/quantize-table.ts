import { type Issue, QError } from '../errors.ts';

/** Modes that TPU-MLIR's compiler knows in a quantize table (search.md 3.1). */
export const QUANTIZE_MODES = [
  'INT8',
  'UINT8',
  'INT4',
  'BF16',
  'F16',
  'F32',
  'W8F16',
  'W8BF16',
  'W4F16',
  'W4BF16',
  'F8',
  'F8E4M3',
  'F8E5M2',
  'W4F8E4M3',
  'W4F8E5M2',
  'W4INT8',
  'INT8F16DYN',
  'INT8BF16DYN',
  'INT4F16DYN',
  'INT4BF16DYN',
  'F8E4M3F16DYN',
  'F8E4M3BF16DYN',
  'F4F16DYN',
  'F4BF16DYN',
] as const;
export type QuantizeMode = (typeof QUANTIZE_MODES)[number];

export interface QuantizeRow {
  readonly mode: QuantizeMode;
  /** Third column of newer tables: weights that share a scale. */
  readonly groupSize?: number;
}

/** A `qtable` file: the mode of the layers that do not run in the default one. */
export interface QuantizeTable {
  /** Comment lines before the first row, verbatim. `quantizeHeader` makes them. */
  readonly header: readonly string[];
  /** By layer name, in the order of the file. */
  readonly rows: ReadonlyMap<string, QuantizeRow>;
  /** Comment lines that stand directly before a row, by that row's name (group titles of newer tables). */
  readonly comments: ReadonlyMap<string, readonly string[]>;
  /** What the reader had to interpret or leave out, with line numbers. */
  readonly warnings: readonly Issue[];
}

export interface QuantizeHeader {
  /** `YYYY-MM-DD HH:MM:SS.ffffff` */
  readonly time: string;
  /** Absent for tables made without data: fp_forward, shape and pattern layers. */
  readonly samples?: number;
  readonly processor: string;
  /** Float type of the mixed layers. */
  readonly mode: string;
  /** Number of rows, duplicates included. */
  readonly layers: number;
}

/** Header lines as the searches and fp_forward write them (search.md 3.2); the misspelling is the original's. */
export function quantizeHeader(header: QuantizeHeader): string[] {
  return [
    `# genetated time: ${header.time}`,
    ...(header.samples === undefined ? [] : [`# sample number: ${header.samples}`]),
    `# chip: ${header.processor}  mix_mode: ${header.mode}`,
    `# number of ${header.mode} layer: ${header.layers}`,
    '###',
    '# op_name   quantize_mode',
  ];
}

/**
 * Reads a quantize table leniently (search.md 3.1): one to three columns, any blanks, modes in any case; the last row of
 * a name wins. A file that lists nothing but names is the CV18xx ancestor of this format: those layers are BF16.
 *
 * @throws QError `qtable.mode`, `qtable.row`: all bad lines at once
 */
export function parseQuantizeTable(text: string, where = 'quantize table'): QuantizeTable {
  const rows = new Map<string, QuantizeRow>();
  const comments = new Map<string, readonly string[]>();
  const single: { name: string; place: string }[] = [];
  const warnings: Issue[] = [];
  const issues: Issue[] = [];
  let pending: string[] = [];
  let header: readonly string[] = [];
  text.split('\n').forEach((raw, i) => {
    const line = raw.trim();
    const place = `${where}, line ${i + 1}`;
    if (line === '') return;
    if (line.startsWith('#')) {
      pending.push(line);
      return;
    }
    const fields = line.split(/\s+/);
    const name = fields[0]!;
    if (rows.size === 0 && single.length === 0) header = pending;
    else if (pending.length > 0) comments.set(name, pending);
    pending = [];
    if (fields.length === 1) single.push({ name, place });
    else {
      const row = parseRow(fields, line, place, issues);
      if (row === undefined) return;
      if (rows.has(name))
        warnings.push({ code: 'qtable.duplicate', where: place, found: name, hint: 'the last row of a name counts' });
      rows.set(name, row);
    }
  });
  if (issues.length > 0)
    throw new QError(`${where} has lines that are no quantize table rows.`, issues[0]!, { issues });
  if (rows.size === 0 && single.length === 0) header = pending;
  const namesOnly = rows.size === 0;
  for (const { name, place } of single) {
    const hint = namesOnly ? 'a list of names means BF16' : 'a line without mode is ignored, as TPU-MLIR does';
    warnings.push({ code: 'qtable.single-column', where: place, found: name, hint });
  }
  if (namesOnly) for (const { name } of single) rows.set(name, { mode: 'BF16' });
  return { header, rows, comments, warnings };
}

/** Reads the inline form `name:TYPE,name2:TYPE2` that newer model_deploy accepts in place of a file. */
export function parseInlineQuantizeTable(text: string, where = 'quantize table'): QuantizeTable {
  const lines = text.split(',').map((item) => item.replace(/:([^:]*)$/, ' $1'));
  return parseQuantizeTable(lines.join('\n'), where);
}

/** Writes a table: single blanks, LF, no blank line. */
export function printQuantizeTable(table: QuantizeTable): string {
  const lines = [...table.header];
  for (const [name, row] of table.rows) {
    lines.push(...(table.comments.get(name) ?? []));
    lines.push(`${name} ${row.mode}${row.groupSize === undefined ? '' : ` ${row.groupSize}`}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

function parseRow(fields: readonly string[], line: string, where: string, issues: Issue[]): QuantizeRow | undefined {
  const [, spelled, group, ...rest] = fields;
  const mode = QUANTIZE_MODES.find((known) => known === spelled!.toUpperCase());
  if (mode === undefined) {
    issues.push({
      code: 'qtable.mode',
      where,
      found: `Unknown quantize mode: [${spelled}]`,
      expected: QUANTIZE_MODES.join(', '),
    });
  } else if (rest.length > 0 || (group !== undefined && !/^\d+$/.test(group))) {
    issues.push({
      code: 'qtable.row',
      where,
      found: line.slice(0, 200),
      expected: 'name MODE, and at most a group size',
    });
  } else {
    return group === undefined ? { mode } : { mode, groupSize: Number(group) };
  }
  return undefined;
}
