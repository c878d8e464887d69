import { type PixelImage, resizeArea, resizePillowBilinear } from '@q/dataset';
import { QError } from '@q/ir';
import type { InputItem } from '../config/settings.ts';

/** What a decoded image must become. */
export interface ImageTarget {
  readonly item: InputItem;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Pixels (BGR, as decoded) as one sample in CHW order, by the item's preset or the plain recipe (spacemit.md 4.2): resized
 * without keeping the aspect, then `(x − mean) / std` per channel in 0–255 units.
 *
 * @throws QError `xquant.data.mean`
 */
export function imageToTensor(image: PixelImage, target: ImageTarget): Float32Array {
  const { item, width, height } = target;
  checkMeans(target);
  switch (item.preprocess) {
    case 'IMAGENET':
      return normalised(centreCrop(imagenetSize(image, target), width, height), target, 'f32');
    case 'PT_IMAGENET':
      return normalised(centreCrop(torchSize(image, height), height, height), { ...target, width: height }, 'f32');
    default:
      return normalised(resizeArea(image, width, height), target, 'f64');
  }
}

function checkMeans({ item, channels }: ImageTarget): void {
  for (const [field, values] of [
    ['mean_value', item.mean],
    ['std_value', item.std],
  ] as const) {
    const isMissing = values === undefined && item.preprocess === 'PT_IMAGENET';
    const isWrong = values !== undefined && values.length !== channels && values.length !== 1;
    if (!isMissing && !isWrong) continue;
    throw new QError(`${field} does not fit an input of ${channels} channel(s).`, {
      code: 'xquant.data.mean',
      where: item.inputName ?? 'input_parameters',
      found: values === undefined ? 'nothing' : `${values.length} numbers`,
      expected: `${channels} numbers${isMissing ? ', which PT_IMAGENET requires' : ''}`,
    });
  }
}

/** 256 for 224, the other side in proportion; area interpolation. */
function imagenetSize(image: PixelImage, { height, width }: ImageTarget): PixelImage {
  const [tall, wide] = [Math.trunc((100 * height) / 87.5), Math.trunc((100 * width) / 87.5)];
  return image.height > image.width
    ? resizeArea(image, wide, Math.trunc((tall * image.height) / image.width))
    : resizeArea(image, Math.trunc((wide * image.width) / image.height), tall);
}

/** The shorter side to 256 for 224, as torchvision does. */
function torchSize(image: PixelImage, height: number): PixelImage {
  const size = Math.trunc(height / 0.875);
  const { width: w, height: h } = image;
  return w <= h
    ? resizePillowBilinear(image, size, Math.trunc((size * h) / w))
    : resizePillowBilinear(image, Math.trunc((size * w) / h), size);
}

function centreCrop(image: PixelImage, width: number, height: number): PixelImage {
  const [left, top] = [Math.trunc((image.width - width) / 2), Math.trunc((image.height - height) / 2)];
  const row = width * image.channels;
  const data = new Uint8Array(height * row);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * image.channels;
    data.set(image.data.subarray(from, from + row), y * row);
  }
  return { width, height, channels: image.channels, data };
}

/** BT.601 luma of a B, G, R pixel. */
function luma(data: Uint8Array, at: number): number {
  return Math.round(0.114 * data[at]! + 0.587 * data[at + 1]! + 0.299 * data[at + 2]!);
}

function normalised(image: PixelImage, target: ImageTarget, arithmetic: 'f32' | 'f64'): Float32Array {
  const { item, channels } = target;
  const plane = image.width * image.height;
  const out = new Float32Array(channels * plane);
  const isRgb = item.colorFormat === 'rgb';
  for (let c = 0; c < channels; c++) {
    const mean = item.mean?.[c % item.mean.length] ?? 0;
    const std = item.std?.[c % item.std.length] ?? 1;
    const source = isRgb && channels === 3 ? 2 - c : c;
    for (let i = 0; i < plane; i++) {
      const x = channels === 1 ? luma(image.data, 3 * i) : image.data[3 * i + source]!;
      out[c * plane + i] =
        arithmetic === 'f64' ? (x - mean) / std : Math.fround(x - Math.fround(mean)) / Math.fround(std);
    }
  }
  return out;
}
