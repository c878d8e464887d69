/** Release whose header layout is imitated (calibration.md 8.2). */
export type TableEra = '2023' | 'V1.9' | '2026';

export interface CalibrationHeader {
  readonly era: TableEra;
  /** `YYYY-MM-DD HH:MM:SS.ffffff`; from SOURCE_DATE_EPOCH where that is set. */
  readonly time: string;
  /** Of the tool that wrote the table; not printed for `2023`. */
  readonly version?: string;
  /** The model file as the user gave it; not printed for `2023`. */
  readonly mlirFile?: string;
  /** Printed verbatim: `kl`, or `['kl']` for a tuned table. Always printed for `2026`, by search tools for `V1.9`. */
  readonly method?: string;
  readonly histogramBins: number;
  /** In batches. */
  readonly samples: number;
  /** Absent in the untuned table of `2023` and `V1.9`; `2026` prints 0 then. */
  readonly tuned?: number;
  /** FP8 tables name their format instead of the histogram. */
  readonly fp8?: boolean;
  /** search_qtable of `V1.9` spells the time line its own way. */
  readonly timeLine?: 'genetated' | 'genertated';
}

/** Header lines of a calibration table. The misspellings are the original's: other tools compare them. */
export function calibrationHeader(header: CalibrationHeader): string[] {
  const { era } = header;
  const newest = era === '2026';
  const lines: string[] = [];
  if (era !== '2023') {
    lines.push(
      `# mlir version: ${header.version ?? ''}${newest ? ' cali version 1.0' : ''}`,
      `# mlir: ${header.mlirFile ?? ''}`,
    );
  }
  lines.push(`# ${header.timeLine ?? 'genetated'} time: ${header.time}`);
  if (newest || header.method !== undefined) {
    lines.push(`# quantization threshold calculation method: ${header.method ?? ''}`);
  }
  lines.push(header.fp8 ? '#tpu-mlir-fp8 caliration table' : `# histogram number: ${header.histogramBins}`);
  lines.push(`# sample number: ${header.samples}`);
  if (newest) lines.push('###');
  if (newest || header.tuned !== undefined) lines.push(`# tune number: ${header.tuned ?? 0}`);
  lines.push('###', '# op_name    threshold    min    max');
  return lines;
}
