import { type CalibrationTable, rowsByLayer } from '@q/ir';

/** One layer that both tables know: relative differences of B from A. */
export interface TableDifference {
  readonly name: string;
  readonly threshold: number;
  readonly min: number;
  readonly max: number;
}

/** Of the relative differences of all layers. */
export interface DifferenceSummary {
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
}

export interface TableComparison {
  /** Layers of both tables, in the order of A. */
  readonly rows: readonly TableDifference[];
  /** Names that only A has. */
  readonly missing: readonly string[];
  /** Names that only B has. */
  readonly extra: readonly string[];
  /** Undefined where no layer is in both. */
  readonly summary?: Readonly<Record<'threshold' | 'min' | 'max', DifferenceSummary>>;
}

/** Half a unit of the seventh decimal: nothing below it can be told from a table. */
const RESOLUTION = 5e-8;

/** Compares the rows of two tables by name; what TPU-MLIR 1.17 calls otherwise than later releases is the same layer. */
export function compareTables(a: CalibrationTable, b: CalibrationTable): TableComparison {
  const ofA = rowsByLayer(a.rows, b.rows.keys());
  const ofB = rowsByLayer(b.rows, ofA.keys());
  const rows = [...ofA].flatMap(([name, own]): TableDifference[] => {
    const other = ofB.get(name);
    if (other === undefined) return [];
    return [
      {
        name,
        threshold: relative(own.threshold, other.threshold),
        min: relative(own.min, other.min),
        max: relative(own.max, other.max),
      },
    ];
  });
  return {
    rows,
    missing: [...ofA.keys()].filter((name) => !ofB.has(name)),
    extra: [...ofB.keys()].filter((name) => !ofA.has(name)),
    ...(rows.length === 0
      ? {}
      : {
          summary: {
            threshold: summarize(rows.map((row) => row.threshold)),
            min: summarize(rows.map((row) => row.min)),
            max: summarize(rows.map((row) => row.max)),
          },
        }),
  };
}

/** |a - b| beyond what seven decimals can say, over the larger magnitude; 0 for equal numbers. */
function relative(a: number, b: number): number {
  const difference = Math.max(0, Math.abs(a - b) - RESOLUTION);
  return difference === 0 ? 0 : difference / Math.max(Math.abs(a), Math.abs(b));
}

/** Quantiles by nearest rank. */
function summarize(values: readonly number[]): DifferenceSummary {
  const ascending = [...values].sort((a, b) => a - b);
  const rank = (share: number): number => ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)]!;
  return { median: rank(0.5), p95: rank(0.95), worst: ascending.at(-1)! };
}
