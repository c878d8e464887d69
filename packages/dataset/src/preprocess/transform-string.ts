import { QError } from '@q/ir';

/** What a `cali_image_preprocess` string of the BM1684 tools says (bm1684-tools.md 3.3), as attributes of an input. */
export interface TransformSettings {
  readonly resizeDims?: readonly [height: number, width: number];
  /** Height and width of the network, where a crop says them. */
  readonly crop?: readonly [height: number, width: number];
  readonly keepAspectRatio?: boolean;
  readonly keepRatioMode?: 'letterbox' | 'short_side_scale';
  /** Share of the resized image that a centre crop keeps. */
  readonly cropFraction?: number;
  readonly mean: readonly number[];
  /** scale / div: y = (x - mean) * scale. */
  readonly scale: readonly number[];
  readonly pixelFormat: 'bgr' | 'rgb';
  /** Things that can be read in two ways. */
  readonly warnings: readonly string[];
}

const NUMERIC = [
  'resize_h',
  'resize_w',
  'resize_side',
  'crop_h',
  'crop_w',
  'crop_fraction',
  'mean_value',
  'scale',
  'div',
  'letterbox',
];
const KNOWN = [...NUMERIC, 'bgr2rgb', 'mean_order'];

/**
 * Reads `resize_h=300,resize_w=300;mean_value=127.5:127.5:127.5,scale=0.00784`: operations separated by `;`, arguments by
 * `,`, values per channel by `:`. Means are in the channel order of the network unless `mean_order=src` says otherwise.
 *
 * @throws QError `dataset.preprocess` with every key or value that is not understood
 */
export function parseTransform(text: string, channels = 3): TransformSettings {
  const entries = readEntries(text);
  const one = (key: string): number | undefined => numbersOf(entries, key)?.[0];
  const swap = /^true$/i.test(entries.get('bgr2rgb') ?? 'false');
  const sourceOrder = entries.get('mean_order') === 'src';
  const mean = perChannel(numbersOf(entries, 'mean_value') ?? [0], channels, 'mean_value');
  const scale = perChannel(numbersOf(entries, 'scale') ?? [1], channels, 'scale');
  const div = one('div') ?? 1;
  const side = one('resize_side');
  const [height, width] = [one('resize_h') ?? side, one('resize_w') ?? side];
  const [cropHeight, cropWidth] = [one('crop_h'), one('crop_w')];
  const letterbox = one('letterbox') === 1;
  const uneven = mean.some((value) => value !== mean[0]);
  const warnings =
    swap && uneven && !entries.has('mean_order')
      ? [
          'mean_value differs per channel and bgr2rgb is on: taken in the order red, green, blue; mean_order=src for the other',
        ]
      : [];
  return {
    ...(height === undefined || width === undefined ? {} : { resizeDims: [height, width] }),
    ...(cropHeight === undefined || cropWidth === undefined ? {} : { crop: [cropHeight, cropWidth] }),
    ...(one('crop_fraction') === undefined ? {} : { cropFraction: one('crop_fraction')! }),
    ...(letterbox ? { keepAspectRatio: true, keepRatioMode: 'letterbox' } : {}),
    ...(side === undefined ? {} : { keepAspectRatio: true, keepRatioMode: 'short_side_scale' }),
    mean: swap && sourceOrder ? [...mean].reverse() : mean,
    scale: scale.map((value) => value / div),
    pixelFormat: swap ? 'rgb' : 'bgr',
    warnings,
  };
}

function readEntries(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  const bad: string[] = [];
  for (const item of text.split(/[;,]/).map((word) => word.replace(/\s/g, ''))) {
    if (item === '') continue;
    const [key, value, ...more] = item.split('=');
    const valid = KNOWN.includes(key!) && value !== undefined && more.length === 0 && isValue(key!, value);
    if (valid) entries.set(key!, value);
    else bad.push(item);
  }
  if (bad.length === 0) return entries;
  throw new QError(`The preprocessing string has items that are not understood: ${bad.join(', ')}.`, {
    code: 'dataset.preprocess',
    where: text,
    found: bad.join(', '),
    expected: `${KNOWN.join(', ')} with numbers, e.g. resize_h=300,resize_w=300;mean_value=127.5:127.5:127.5,scale=0.00784`,
  });
}

function isValue(key: string, value: string): boolean {
  if (key === 'bgr2rgb') return /^(true|false)$/i.test(value);
  if (key === 'mean_order') return value === 'src' || value === 'dst';
  return value.split(':').every((part) => part !== '' && Number.isFinite(Number(part)));
}

function numbersOf(entries: ReadonlyMap<string, string>, key: string): number[] | undefined {
  return entries.get(key)?.split(':').map(Number);
}

/** A list of one serves every channel. */
function perChannel(values: readonly number[], channels: number, key: string): number[] {
  if (values.length === 1) return Array<number>(channels).fill(values[0]!);
  if (values.length === channels) return [...values];
  throw new QError(`${key} has ${values.length} values for ${channels} channels.`, {
    code: 'dataset.preprocess',
    where: key,
    found: values.join(':'),
    expected: `1 or ${channels} values`,
  });
}
