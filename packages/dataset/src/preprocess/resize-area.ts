import type { PixelImage } from '../images/pixel-image.ts';

const { fround } = Math;

/**
 * OpenCV's area interpolation of 8-bit pixels (INTER_AREA; spacemit.md 4.2): each result is the mean of the source area under it, in
 * float32. Where either side grows, OpenCV falls back to a linear kind of its own.
 */
export function resizeArea(image: PixelImage, width: number, height: number): PixelImage {
  if (image.width === width && image.height === height) return image;
  if (image.width < width || image.height < height) return enlarge(image, width, height);
  const isPair = image.width === 2 * width && image.height === 2 * height;
  return isPair ? halve(image) : shrink(image, width, height);
}

/** Two by two pixels: OpenCV rounds a half up there. */
function halve({ width, height, channels, data }: PixelImage): PixelImage {
  const out = new Uint8Array((width / 2) * (height / 2) * channels);
  const row = width * channels;
  let to = 0;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      for (let c = 0; c < channels; c++) {
        const at = y * row + x * channels + c;
        out[to++] = (data[at]! + data[at + channels]! + data[at + row]! + data[at + row + channels]! + 2) >> 2;
      }
    }
  }
  return { width: width / 2, height: height / 2, channels, data: out };
}

/** Source indices of one destination index and their parts of it. */
interface Cover {
  readonly first: number;
  readonly weights: readonly number[];
}

function covers(from: number, to: number): Cover[] {
  // As OpenCV has it: the inverse of the inverse, which may differ in the last bit.
  const scale = 1 / (to / from);
  return Array.from({ length: to }, (_, d) => {
    const [start, end] = [d * scale, (d + 1) * scale];
    const cell = Math.min(scale, from - start);
    const [whole, last] = [Math.ceil(start), Math.min(Math.floor(end), from - 1)];
    const inner = Math.min(whole, last);
    const weights: number[] = [];
    let first = inner;
    if (inner - start > 1e-3) {
      first = inner - 1;
      weights.push(fround((inner - start) / cell));
    }
    for (let s = inner; s < last; s++) weights.push(fround(1 / cell));
    if (end - last > 1e-3) weights.push(fround(Math.min(Math.min(end - last, 1), cell) / cell));
    return { first, weights };
  });
}

function shrink(image: PixelImage, width: number, height: number): PixelImage {
  const { channels } = image;
  const [columns, rows] = [covers(image.width, width), covers(image.height, height)];
  const rowLength = width * channels;
  const data = new Uint8Array(height * rowLength);
  const line = new Float32Array(rowLength);
  const sum = new Float32Array(rowLength);
  rows.forEach(({ first, weights }, y) => {
    sum.fill(0);
    weights.forEach((weight, k) => {
      averageRow(image, (first + k) * image.width * channels, columns, line);
      for (let i = 0; i < rowLength; i++) sum[i] = sum[i]! + fround(weight * line[i]!);
    });
    for (let i = 0; i < rowLength; i++) data[y * rowLength + i] = roundHalfEven(sum[i]!);
  });
  return { width, height, channels, data };
}

function averageRow({ data, channels }: PixelImage, at: number, columns: readonly Cover[], line: Float32Array): void {
  columns.forEach(({ first, weights }, x) => {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++)
        sum = fround(sum + fround(data[at + (first + k) * channels + c]! * weights[k]!));
      line[x * channels + c] = sum;
    }
  });
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return Math.min(255, up ? floor + 1 : floor);
}

/** Linear between the two source pixels that an area of less than a pixel touches; weights in 1/2048. */
function enlarge(image: PixelImage, width: number, height: number): PixelImage {
  const { channels } = image;
  const [columns, rows] = [linearTaps(image.width, width), linearTaps(image.height, height)];
  const data = new Uint8Array(width * height * channels);
  const pixel = (x: number, y: number, c: number) => image.data[(y * image.width + x) * channels + c]!;
  for (let y = 0, to = 0; y < height; y++) {
    const [y0, y1, b1] = rows[y]!;
    for (let x = 0; x < width; x++) {
      const [x0, x1, a1] = columns[x]!;
      for (let c = 0; c < channels; c++) {
        const upper = pixel(x0, y0, c) * (2048 - a1) + pixel(x1, y0, c) * a1;
        const lower = pixel(x0, y1, c) * (2048 - a1) + pixel(x1, y1, c) * a1;
        data[to++] = ((((upper >> 4) * (2048 - b1)) >> 16) + (((lower >> 4) * b1) >> 16) + 2) >> 2;
      }
    }
  }
  return { width, height, channels, data };
}

/** First and second source index, and the second one's weight. */
function linearTaps(from: number, to: number): (readonly [number, number, number])[] {
  const inverse = to / from;
  const scale = 1 / inverse;
  return Array.from({ length: to }, (_, d) => {
    const source = Math.floor(d * scale);
    const part = fround(d + 1 - (source + 1) * inverse);
    const fraction = part <= 0 ? 0 : part - Math.floor(part);
    const first = Math.min(source, from - 1);
    return [first, Math.min(first + 1, from - 1), Math.round(fraction * 2048)];
  });
}
