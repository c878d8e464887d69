import { type Graph, inputsOf } from '@q/ir';
import type { Finding } from './finding.ts';

/** ImageNet's means on the 0..255 range, in the order red, green, blue; frameworks round them differently. */
const RED_FIRST = [123.68, 116.5, 103.8];
const NEAR = 1;

/** Preprocessing that names one channel order and carries the means of the other. */
export function examineSettings(graph: Graph): Finding[] {
  return inputsOf(graph).flatMap(({ name, attributes }): Finding[] => {
    const { doPreprocess, pixelFormat = 'bgr', mean } = attributes;
    if (!doPreprocess || mean?.length !== 3) return [];
    const reversed = [...mean].reverse();
    const order = isNear(mean) ? 'rgb' : isNear(reversed) ? 'bgr' : undefined;
    if (order === undefined || pixelFormat === order || !['rgb', 'bgr'].includes(pixelFormat)) return [];
    return [
      {
        code: 'doctor.channel-order',
        where: name,
        message: `the means ${mean.join(', ')} are those of ${order} images, but pixel_format is ${pixelFormat}`,
        hint: `check --pixel_format; some networks (PaddleOCR's) are trained this way on purpose`,
      },
    ];
  });
}

function isNear(mean: readonly number[]): boolean {
  return mean.every((value, c) => Math.abs(value - RED_FIRST[c]!) < NEAR);
}
