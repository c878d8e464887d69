import type { OpOf } from '@q/ir';
import type { CopyShape } from '../strided-copy.ts';

/** Strides of one image layout, in elements, by meaning. */
interface ImageStrides {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
}

/**
 * Depth-to-space as one block copy over (n, c, block row, block column, h, w). The deep side numbers its channels
 * `c · area + cell` (`is_CRD`) or `cell · C + c`, with cell = row · blockW + column, or column · blockH + row (`swap_cr`,
 * the order of YOLO's Focus). `is_inversed` copies from the wide side to the deep one.
 */
export function depthToSpaceCopy(
  attributes: OpOf<'top.Depth2Space'>['attributes'],
  input: readonly number[],
  output: readonly number[],
): CopyShape {
  const { blockH, blockW, isCRD, isInversed, inIsNCHW, outIsNCHW, swapCr } = attributes;
  const [source, target] = [imageStrides(input, inIsNCHW), imageStrides(output, outIsNCHW)];
  const [deep, wide] = isInversed ? [target, source] : [source, target];
  const deepShape = isInversed ? output : input;
  const isDeepNCHW = isInversed ? outIsNCHW : inIsNCHW;
  const [N, depth, H, W] = isDeepNCHW ? deepShape : [deepShape[0], deepShape[3], deepShape[1], deepShape[2]];
  const area = blockH * blockW;
  const C = depth! / area;
  const cell = isCRD ? deep.c : C * deep.c;
  const deepStrides = [
    deep.n,
    isCRD ? area * deep.c : deep.c,
    cell * (swapCr ? 1 : blockW),
    cell * (swapCr ? blockH : 1),
    deep.h,
    deep.w,
  ];
  const wideStrides = [wide.n, wide.c, wide.h, wide.w, blockH * wide.h, blockW * wide.w];
  return {
    dims: [N!, C, blockH, blockW, H!, W!],
    sourceStrides: isInversed ? wideStrides : deepStrides,
    targetStrides: isInversed ? deepStrides : wideStrides,
  };
}

function imageStrides(shape: readonly number[], isNCHW: boolean): ImageStrides {
  const [, d1, d2, d3] = shape as [number, number, number, number];
  return isNCHW ? { n: d1 * d2 * d3, c: d2 * d3, h: d3, w: 1 } : { n: d1 * d2 * d3, h: d2 * d3, w: d3, c: 1 };
}
