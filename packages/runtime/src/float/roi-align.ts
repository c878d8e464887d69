import type { OpImplementation } from '../implementation.ts';

/** The four pixels around a point and their weights; none where it is more than a pixel outside. */
function bilinear(y: number, x: number, height: number, width: number): { at: number; weight: number }[] {
  if (y < -1 || y > height || x < -1 || x > width) return [];
  const [cy, cx] = [Math.max(y, 0), Math.max(x, 0)];
  const [top, left] = [Math.min(Math.floor(cy), height - 1), Math.min(Math.floor(cx), width - 1)];
  const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)];
  const ly = top >= height - 1 ? 0 : cy - top;
  const lx = left >= width - 1 ? 0 : cx - left;
  return [
    { at: top * width + left, weight: (1 - ly) * (1 - lx) },
    { at: top * width + right, weight: (1 - ly) * lx },
    { at: bottom * width + left, weight: ly * (1 - lx) },
    { at: bottom * width + right, weight: ly * lx },
  ];
}

/**
 * Rows of rois are [sample, x1, y1, x2, y2]. Every output is the mean of sampled points (`Avg`), or the largest of their
 * weighted pixels (`Max`, ONNX's definition). `align_corners` shifts by half a pixel (ONNX `half_pixel`).
 */
export const roiAlign: OpImplementation<'top.RoiAlign'> = {
  prepare(op, context) {
    const [x, rois, y] = [context.input(0), context.input(1), context.output()];
    const { mode, outputHeight: rows, outputWidth: columns, samplingRatio, spatialScale, alignCorners } = op.attributes;
    const [, channels, height, width] = x.shape as [number, number, number, number];
    const shift = alignCorners ? 0.5 : 0;
    const isMax = mode.toLowerCase() === 'max';
    return () => {
      const [from, boxes, to] = [x.f32(), rois.f32(), y.f32()];
      let at = 0;
      for (let r = 0; r < rois.shape[0]!; r++) {
        const [sample, x1, y1, x2, y2] = boxes.subarray(5 * r, 5 * r + 5) as unknown as number[];
        const edge = (value: number) => value * spatialScale - shift;
        const size = (low: number, high: number) =>
          alignCorners ? edge(high) - edge(low) : Math.max(edge(high) - edge(low), 1);
        const [binH, binW] = [size(y1!, y2!) / rows, size(x1!, x2!) / columns];
        const gridH = samplingRatio > 0 ? samplingRatio : Math.ceil(binH);
        const gridW = samplingRatio > 0 ? samplingRatio : Math.ceil(binW);
        const cells = pointsOf(
          { rows, columns, gridH, gridW, binH, binW, top: edge(y1!), left: edge(x1!) },
          height,
          width,
        );
        for (let c = 0; c < channels; c++) {
          const base = (sample! * channels + c) * height * width;
          for (const points of cells) to[at++] = pooled(from, base, points, isMax);
        }
      }
    };
  },
};

type Points = readonly { readonly at: number; readonly weight: number }[][];

interface Bins {
  readonly rows: number;
  readonly columns: number;
  readonly gridH: number;
  readonly gridW: number;
  readonly binH: number;
  readonly binW: number;
  readonly top: number;
  readonly left: number;
}

/** The sampled points of every output cell. */
function pointsOf(
  { rows, columns, gridH, gridW, binH, binW, top, left }: Bins,
  height: number,
  width: number,
): Points[] {
  return Array.from({ length: rows * columns }, (_, cell) => {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    return Array.from({ length: Math.max(0, gridH * gridW) }, (_point, index) => {
      const [iy, ix] = [Math.floor(index / gridW), index % gridW];
      const y = top + row * binH + ((iy + 0.5) * binH) / gridH;
      const x = left + column * binW + ((ix + 0.5) * binW) / gridW;
      return bilinear(y, x, height, width);
    });
  });
}

function pooled(data: Float32Array, base: number, points: Points, isMax: boolean): number {
  if (points.length === 0) return 0;
  if (!isMax) {
    let sum = 0;
    for (const pixels of points) for (const { at, weight } of pixels) sum += weight * data[base + at]!;
    return sum / points.length;
  }
  const values = points.map((pixels) =>
    pixels.length === 0 ? 0 : Math.max(...pixels.map(({ at, weight }) => weight * data[base + at]!)),
  );
  return Math.max(...values);
}
