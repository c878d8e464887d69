import type { PixelImage } from '../images/pixel-image.ts';

/** The two taps of every destination index along one axis, and their weights in 1/2048. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weightFirst: Int32Array;
  readonly weightSecond: Int32Array;
}

/**
 * OpenCV's 8-bit bilinear resize, bit for bit (calibration.md 3.6): half-pixel centres, weights rounded to 1/2048, a row
 * pass kept in integers, a column pass whose two products are truncated separately.
 */
export function resizeBilinear(image: PixelImage, width: number, height: number): PixelImage {
  const { channels } = image;
  const columns = columnTaps(image.width, width);
  const rows = rowTaps(image.height, height);
  const rowLength = width * channels;
  const data = new Uint8Array(height * rowLength);
  const held = new RowPass(image, columns, rowLength);
  for (let y = 0; y < height; y++) {
    const upper = held.row(rows.first[y]!);
    const lower = held.row(rows.second[y]!);
    const b0 = rows.weightFirst[y]!;
    const b1 = rows.weightSecond[y]!;
    const at = y * rowLength;
    for (let i = 0; i < rowLength; i++) {
      // The weights sum to 2048, so the result cannot leave 0..255.
      data[at + i] = ((((upper[i]! >> 4) * b0) >> 16) + (((lower[i]! >> 4) * b1) >> 16) + 2) >> 2;
    }
  }
  return { width, height, channels, data };
}

/** Horizontally resized source rows; the two used last are kept, so each source row is resized once. */
class RowPass {
  readonly #image: PixelImage;
  readonly #columns: Taps;
  readonly #rows: [Int32Array, Int32Array];
  readonly #sources = [-1, -1];

  constructor(image: PixelImage, columns: Taps, rowLength: number) {
    this.#image = image;
    this.#columns = columns;
    this.#rows = [new Int32Array(rowLength), new Int32Array(rowLength)];
  }

  row(source: number): Int32Array {
    // Rows are asked for in ascending pairs, so parity tells the two apart.
    const slot = (source & 1) as 0 | 1;
    if (this.#sources[slot] !== source) {
      this.#resize(source, this.#rows[slot]);
      this.#sources[slot] = source;
    }
    return this.#rows[slot];
  }

  #resize(source: number, out: Int32Array): void {
    const { width, channels, data } = this.#image;
    const { first, second, weightFirst, weightSecond } = this.#columns;
    const at = source * width * channels;
    for (let x = 0, to = 0; x < first.length; x++) {
      const left = at + first[x]! * channels;
      const right = at + second[x]! * channels;
      const w0 = weightFirst[x]!;
      const w1 = weightSecond[x]!;
      for (let c = 0; c < channels; c++) out[to++] = w0 * data[left + c]! + w1 * data[right + c]!;
    }
  }
}

/** Along a row the fraction is dropped at both borders. */
function columnTaps(from: number, to: number): Taps {
  return makeTaps(from, to, (index, fraction) => {
    if (index < 0) return [0, 0];
    return index >= from - 1 ? [from - 1, 0] : [index, fraction];
  });
}

/** Along a column the fraction is kept at the borders; only the taps are clamped. */
function rowTaps(from: number, to: number): Taps {
  return makeTaps(from, to, (index, fraction) => [index, fraction]);
}

function makeTaps(from: number, to: number, border: (index: number, fraction: number) => [number, number]): Taps {
  const taps: Taps = {
    first: new Int32Array(to),
    second: new Int32Array(to),
    weightFirst: new Int32Array(to),
    weightSecond: new Int32Array(to),
  };
  const last = from - 1;
  for (let d = 0; d < to; d++) {
    const position = Math.fround((d + 0.5) * (from / to) - 0.5);
    const floor = Math.floor(position);
    const [index, fraction] = border(floor, Math.fround(position - floor));
    taps.first[d] = Math.min(Math.max(index, 0), last);
    taps.second[d] = Math.min(Math.max(index + 1, 0), last);
    taps.weightFirst[d] = roundHalfEven(Math.fround(Math.fround(1 - fraction) * 2048));
    taps.weightSecond[d] = roundHalfEven(Math.fround(fraction * 2048));
  }
  return taps;
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
