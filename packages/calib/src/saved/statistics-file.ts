import { QError } from '@q/ir';
import { isKernelVariant } from '@q/runtime';
import type { Distribution } from '../pooled/distribution.ts';
import { type ProfileName, profileNames } from '../profile.ts';
import type { SampleNumber } from '../thresholds/method.ts';
import type { Fingerprint } from './fingerprint.ts';
import {
  type CountsText,
  countsFromText,
  countsToText,
  floats32FromText,
  floats64FromText,
  floatsToText,
} from './numbers-text.ts';
import { type EraValue, pooledValues, type SavedStatistics } from './saved-statistics.ts';

const FORMAT = 'q-statistics';
const VERSION = 1;

interface EraText {
  readonly min: number;
  readonly max: number;
  readonly width?: number;
  readonly histogram?: CountsText;
  readonly numbers?: Readonly<Record<string, string>>;
  readonly tails?: { readonly kept: number; readonly fraction: number; readonly high: string; readonly low?: string };
}

interface PooledText {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly exponent?: number;
  readonly positive: CountsText;
  readonly negative: CountsText;
  /** Multiples of 2^-1074, hexadecimal. */
  readonly sum: string;
  readonly squares: string;
  readonly magnitudes: string;
}

interface FileText {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly profile: ProfileName;
  readonly samples: number;
  readonly bins: number;
  /** Absent: the default ones. */
  readonly kernels?: NonNullable<Fingerprint['kernels']>;
  readonly weights: string;
  readonly layers: readonly string[];
  readonly values: Readonly<Record<string, EraText | PooledText>>;
}

/** The text of a statistics file. The same statistics give the same bytes. */
export function encodeStatistics(saved: SavedStatistics): string {
  const pooled = pooledValues(saved);
  const entries = pooled
    ? [...pooled].map(([name, value]) => [name, pooledText(value)])
    : [...(saved.values as ReadonlyMap<string, EraValue>)].map(([name, value]) => [name, eraText(value)]);
  const file: FileText = {
    format: FORMAT,
    version: VERSION,
    profile: saved.profile,
    samples: saved.sampleCount,
    bins: saved.histogramBins,
    ...(saved.fingerprint.kernels && { kernels: saved.fingerprint.kernels }),
    weights: saved.fingerprint.weights,
    layers: saved.fingerprint.layers,
    values: Object.fromEntries(entries),
  };
  return `${JSON.stringify(file, undefined, 1)}\n`;
}

/** @throws QError `calib.statistics.format` for anything but a statistics file of this version */
export function decodeStatistics(text: string, where = 'statistics file'): SavedStatistics {
  const file = parse(text, where);
  try {
    const { profile, samples, bins, weights, layers, kernels } = file;
    const values =
      profile === 'pooled'
        ? new Map(Object.entries(file.values).map(([name, value]) => [name, pooledValue(value as PooledText)]))
        : new Map(Object.entries(file.values).map(([name, value]) => [name, eraValue(value as EraText)]));
    const fingerprint = { layers, weights, ...(kernels && { kernels }) };
    return { profile, fingerprint, sampleCount: samples, histogramBins: bins, values };
  } catch (cause) {
    throw formatError(where, cause instanceof Error ? cause.message : 'unreadable numbers', cause);
  }
}

function parse(text: string, where: string): FileText {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw formatError(where, 'text that is no JSON', cause);
  }
  const file = parsed as Partial<FileText> | null;
  if (file?.format !== FORMAT) throw formatError(where, `format ${String(file?.format)}`);
  if (file.version !== VERSION) throw formatError(where, `version ${String(file.version)}`);
  const complete =
    profileNames.some((name) => name === file.profile) &&
    Number.isSafeInteger(file.samples) &&
    Number.isSafeInteger(file.bins) &&
    (file.kernels === undefined || isKernelVariant(file.kernels)) &&
    typeof file.weights === 'string' &&
    Array.isArray(file.layers) &&
    typeof file.values === 'object';
  if (!complete) throw formatError(where, 'fields that are missing or of another type');
  return file as FileText;
}

function formatError(where: string, found: string, cause?: unknown): QError {
  return new QError(
    `${where} is no statistics file: it holds ${found}.`,
    {
      code: 'calib.statistics.format',
      where,
      found,
      expected: `${FORMAT}, version ${VERSION}`,
    },
    cause === undefined ? {} : { cause },
  );
}

function eraText({ min, max, histogram, numbers, tails }: EraValue): EraText {
  return {
    min,
    max,
    ...(histogram === undefined ? {} : { width: histogram.width, histogram: countsToText(histogram.counts) }),
    ...(numbers === undefined
      ? {}
      : { numbers: Object.fromEntries(Object.entries(numbers).map(([kind, values]) => [kind, floatsToText(values)])) }),
    ...(tails === undefined
      ? {}
      : {
          tails: {
            ...tails.cut,
            high: floatsToText(tails.high),
            ...(tails.low === undefined ? {} : { low: floatsToText(tails.low) }),
          },
        }),
  };
}

function eraValue({ min, max, width, histogram, numbers, tails }: EraText): EraValue {
  return {
    min,
    max,
    absMax: Math.max(Math.abs(min), Math.abs(max)),
    ...(histogram === undefined ? {} : { histogram: { counts: countsFromText(histogram), width: width! } }),
    ...(numbers === undefined
      ? {}
      : {
          numbers: Object.fromEntries(
            Object.entries(numbers).map(([kind, text]) => [kind as SampleNumber, floats64FromText(text)]),
          ),
        }),
    ...(tails === undefined
      ? {}
      : {
          tails: {
            cut: { kept: tails.kept, fraction: tails.fraction },
            high: floats32FromText(tails.high),
            ...(tails.low === undefined ? {} : { low: floats32FromText(tails.low) }),
          },
        }),
  };
}

function pooledText({ positive, negative, exponent, sum, squares, magnitudes, ...rest }: Distribution): PooledText {
  return {
    ...rest,
    ...(exponent === undefined ? {} : { exponent }),
    positive: countsToText(positive),
    negative: countsToText(negative),
    sum: sum.toString(16),
    squares: squares.toString(16),
    magnitudes: magnitudes.toString(16),
  };
}

function pooledValue(text: PooledText): Distribution {
  return {
    count: text.count,
    min: text.min,
    max: text.max,
    exponent: text.exponent,
    positive: countsFromText(text.positive),
    negative: countsFromText(text.negative),
    sum: fromHex(text.sum),
    squares: fromHex(text.squares),
    magnitudes: fromHex(text.magnitudes),
  };
}

function fromHex(text: string): bigint {
  return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}
