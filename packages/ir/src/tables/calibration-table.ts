import { type Issue, QError } from '../errors.ts';
import { formatFixed7 } from './fixed-decimal.ts';

export interface CalibrationRow {
  /** Symmetric clip bound, in the tensor's own unit. */
  readonly threshold: number;
  readonly min: number;
  readonly max: number;
}

/** Blocks after the rows (calibration.md 8.3, numerics.md 4.1); empty ones are not printed. */
export interface CalibrationSections {
  /** `#int4_th` */
  readonly int4: ReadonlyMap<string, CalibrationRow>;
  /** An FP8 block behind INT8 rows. A table that is FP8 as a whole has `format: 'fp8'` instead. */
  readonly fp8: ReadonlyMap<string, CalibrationRow>;
  /** `#asym_op`: layers to quantize asymmetrically. */
  readonly asymmetricOps: readonly string[];
  /** `#int4_op`: layers to run in INT4. */
  readonly int4Ops: readonly string[];
  /** `#weight_scale`: per-channel weight scales by `<layer>_weight`. */
  readonly weightScales: ReadonlyMap<string, readonly number[]>;
}

/** A `cali_table` file. */
export interface CalibrationTable {
  /** Comment lines before the first row, verbatim. `calibrationHeader` makes them. */
  readonly header: readonly string[];
  /** Whether `rows` are INT8 ranges or, after a `#tpu-mlir-fp8` header, FP8 ones (range ± threshold). */
  readonly format: 'int8' | 'fp8';
  /** By layer name, in the order of the file. */
  readonly rows: ReadonlyMap<string, CalibrationRow>;
  readonly sections: CalibrationSections;
  /** What the reader had to interpret or leave out, with line numbers. */
  readonly warnings: readonly Issue[];
}

/** What the original reads for `inf`. */
const INFINITE = 6.5e4;

type Block = 'rows' | 'int4' | 'fp8' | 'asymmetricOps' | 'int4Ops' | 'weightScales';

/** An empty table to build on. */
export function emptyCalibrationTable(header: readonly string[] = []): CalibrationTable {
  return {
    header,
    format: 'int8',
    rows: new Map(),
    sections: { int4: new Map(), fp8: new Map(), asymmetricOps: [], int4Ops: [], weightScales: new Map() },
    warnings: [],
  };
}

/**
 * Reads a calibration table as calibration.md 8.4 recommends: any blanks, CRLF, missing header, missing min and max
 * (`name threshold` means ± threshold). The last row of a repeated name wins. Rows that TPU-MLIR's own reader would
 * drop in silence become `warnings` with their line.
 *
 * @throws QError `cali-table.no-rows` when nothing in the text is a row
 */
export function parseCalibrationTable(text: string, where = 'calibration table'): CalibrationTable {
  const reader = new TableReader(where);
  text.split('\n').forEach((line, i) => {
    reader.read(line.trim(), i + 1);
  });
  return reader.finish();
}

/** Writes a table: numbers as `%.7f`, LF line ends, the file's last line ended too. */
export function printCalibrationTable(table: CalibrationTable): string {
  const { sections } = table;
  const lines = [...table.header];
  if (table.format === 'fp8' && !lines.some((line) => markedBlock(line) === 'fp8')) {
    lines.unshift('#tpu-mlir-fp8 caliration table');
  }
  lines.push(...rowLines(table.rows));
  // An empty line inside a block of names or scales makes TPU-MLIR abort, so those blocks come last and unseparated.
  if (sections.fp8.size > 0) lines.push('', '#tpu-mlir-fp8', ...rowLines(sections.fp8));
  if (sections.int4.size > 0) lines.push('', '#int4_th', ...rowLines(sections.int4));
  const dense: string[] = [];
  if (sections.weightScales.size > 0) dense.push('#weight_scale');
  for (const [name, scales] of sections.weightScales) {
    dense.push(`${name} ${scales.length} ${scales.map((scale) => `${shortest(scale)} `).join('')}`);
  }
  if (sections.asymmetricOps.length > 0) dense.push('#asym_op', ...sections.asymmetricOps);
  if (sections.int4Ops.length > 0) dense.push('#int4_op', ...sections.int4Ops);
  if (dense.length > 0) lines.push('', ...dense);
  return lines.map((line) => `${line}\n`).join('');
}

function rowLines(rows: ReadonlyMap<string, CalibrationRow>): string[] {
  return [...rows].map(
    ([name, row]) => `${name} ${formatFixed7(row.threshold)} ${formatFixed7(row.min)} ${formatFixed7(row.max)}`,
  );
}

/** Shortest text of the double, without the `+` that the original's reader does not know. */
function shortest(value: number): string {
  return String(value).replace('e+', 'e');
}

/** The block that a comment line opens, if it is meant as a marker. */
function markedBlock(line: string): Block | undefined {
  if (line.includes('#weight_scale')) return 'weightScales';
  if (line.includes('#int4_th')) return 'int4';
  if (line.includes('#tpu-mlir-fp8') || line.includes('mqbench-fp8')) return 'fp8';
  if (/^#\s*asym_op\b/.test(line)) return 'asymmetricOps';
  if (/^#\s*int4_op\b/.test(line)) return 'int4Ops';
  return undefined;
}

class TableReader {
  private readonly header: string[] = [];
  private readonly rows = new Map<string, CalibrationRow>();
  private readonly int4 = new Map<string, CalibrationRow>();
  private readonly fp8 = new Map<string, CalibrationRow>();
  private readonly weightScales = new Map<string, number[]>();
  private readonly asymmetricOps: string[] = [];
  private readonly int4Ops: string[] = [];
  private readonly warnings: Issue[] = [];
  private readonly refused: Issue[] = [];
  private format: 'int8' | 'fp8' = 'int8';
  private block: Block = 'rows';
  private lineNumber = 0;

  constructor(private readonly where: string) {}

  read(line: string, lineNumber: number): void {
    this.lineNumber = lineNumber;
    if (line === '') return;
    if (line.startsWith('#')) this.comment(line);
    else if (this.block === 'asymmetricOps' || this.block === 'int4Ops') this[this.block].push(line);
    else if (this.block === 'weightScales') this.scales(line);
    else this.row(line, this.block === 'rows' ? this.rows : this[this.block]);
  }

  finish(): CalibrationTable {
    const { rows, int4, fp8, weightScales, asymmetricOps, int4Ops } = this;
    const found = rows.size + int4.size + fp8.size + weightScales.size + asymmetricOps.length + int4Ops.length;
    if (found === 0 && (this.refused.length > 0 || this.header.length === 0)) {
      const first = this.refused[0];
      const issue: Issue = {
        code: 'cali-table.no-rows',
        where: first?.where ?? this.where,
        found: first?.found ?? 'no lines',
        expected: 'lines of: name threshold min max',
      };
      throw new QError(`${this.where} is not a calibration table.`, issue, { issues: [issue, ...this.refused] });
    }
    const sections = { int4, fp8, asymmetricOps, int4Ops, weightScales };
    return { header: this.header, format: this.format, rows, sections, warnings: this.warnings };
  }

  private comment(line: string): void {
    const block = markedBlock(line);
    const beforeRows = this.block === 'rows' && this.rows.size === 0;
    if (block === 'fp8' && beforeRows) {
      this.format = 'fp8';
      this.header.push(line);
    } else if (block !== undefined) {
      this.block = block;
    } else {
      if (/asym_op|int4_op/.test(line)) {
        this.warn('cali-table.accidental-marker', line, 'TPU-MLIR takes this comment for the start of a section');
      }
      if (beforeRows) this.header.push(line);
    }
  }

  private row(line: string, rows: Map<string, CalibrationRow>): void {
    const [name, ...fields] = line.split(/\s+/);
    // `threshold_y: 255.0` belongs to prototxt tables, which are another format (calibration.md 8.7).
    if ((fields.length !== 3 && fields.length !== 1) || name!.startsWith('threshold_')) {
      this.refuse(line, 'name threshold min max');
      return;
    }
    const numbers = fields.map((field) => this.number(field));
    if (numbers.some((value) => value === undefined)) {
      this.refuse(line, 'three decimal numbers after the name');
      return;
    }
    const [threshold, min, max] = numbers as number[];
    if (rows.has(name!)) this.warn('cali-table.duplicate', name!, 'the last row of a name counts');
    rows.set(name!, { threshold: threshold!, min: min ?? -threshold!, max: max ?? threshold! });
  }

  private scales(line: string): void {
    const [name, count, ...fields] = line.split(/\s+/);
    const scales = fields.map(Number);
    if (scales.length !== Number(count) || scales.some(Number.isNaN)) this.refuse(line, 'name count scale…');
    else this.weightScales.set(name!, scales);
  }

  private number(field: string): number | undefined {
    const infinite = /^([-+]?)inf(inity)?$/i.exec(field);
    if (infinite) {
      this.warn('cali-table.infinite', field, `read as ${INFINITE}, as TPU-MLIR does`);
      return infinite[1] === '-' ? -INFINITE : INFINITE;
    }
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(field)) return undefined;
    if (/[+E]/.test(field)) {
      this.warn(
        'cali-table.spelling',
        field,
        "TPU-MLIR drops this row: its numbers are made of digits and '.', '-', 'e'",
      );
    }
    return Number(field);
  }

  private refuse(line: string, expected: string): void {
    const issue: Issue = { code: 'cali-table.row', where: this.place(), found: line.slice(0, 200), expected };
    this.refused.push(issue);
    this.warnings.push(issue);
  }

  private warn(code: string, found: string, hint: string): void {
    this.warnings.push({ code, where: this.place(), found, hint });
  }

  private place(): string {
    return `${this.where}, line ${this.lineNumber}`;
  }
}
