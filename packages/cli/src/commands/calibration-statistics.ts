import { existsSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { decodeStatistics, encodeStatistics, type SavedStatistics } from '@q/calib';
import { QError } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { readInputFile } from '../files/input-files.ts';
import { writeFileWhole } from '../files/output-files.ts';

/** Statistics that are there already, and where those of this run go. */
export interface StatisticsFile {
  readonly loaded?: SavedStatistics;
  readonly target?: string;
}

/**
 * `--stats F` uses F or writes it; `--load_dist` and `--dump_dist` of the BM1684 tool do one of the two. A missing file to
 * load is no mistake where the same one is to be written (bm1684-tools.md 8).
 */
export function readStatisticsFile(args: Arguments): StatisticsFile {
  const both = args.optionalString('stats');
  const target = args.optionalString('dump_dist') ?? both;
  const source = args.optionalString('load_dist') ?? both;
  const collects = target === undefined ? {} : { target };
  if (source === undefined) return collects;
  if (source === target && !existsSync(source)) return collects;
  return { ...collects, loaded: readStatistics(source) };
}

/** Writes what was collected; gzip for names that end in `.gz`. */
export function writeStatisticsFile({ target, loaded }: StatisticsFile, statistics: SavedStatistics | undefined): void {
  if (target === undefined || loaded !== undefined || statistics === undefined) return;
  const text = encodeStatistics(statistics);
  writeFileWhole(target, target.endsWith('.gz') ? gzipSync(text) : text);
}

/** @throws QError `calib.statistics.format`, `cli.missing-file` */
export function readStatistics(path: string): SavedStatistics {
  const bytes = readInputFile(path, '--load_dist');
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return decodeStatistics(new TextDecoder().decode(bytes), path);
  try {
    return decodeStatistics(gunzipSync(bytes).toString('utf8'), path);
  } catch (cause) {
    if (cause instanceof QError) throw cause;
    throw new QError(
      `${path} is a damaged gzip file`,
      { code: 'calib.statistics.format', where: path, found: 'gzip data that end early or are wrong' },
      { cause },
    );
  }
}
