/** A 2-D window operation; 1-D ones are 2-D with height 1. */
export interface Window2D {
  readonly kernelH: number;
  readonly kernelW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
}

interface WindowAttributes {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations?: readonly number[];
}

/** Attributes of one or two spatial dimensions as a 2-D window; `pads` holds all begins, then all ends. */
export function window2D({ kernelShape, strides, pads, dilations }: WindowAttributes): Window2D {
  const rank = kernelShape.length;
  const height = (list: readonly number[] | undefined, fallback: number): number =>
    rank === 2 ? (list?.[0] ?? fallback) : fallback;
  return {
    kernelH: height(kernelShape, 1),
    kernelW: kernelShape.at(-1)!,
    strideH: height(strides, 1),
    strideW: strides.at(-1) ?? 1,
    dilationH: height(dilations, 1),
    dilationW: dilations?.at(-1) ?? 1,
    padTop: height(pads, 0),
    padLeft: pads[rank - 1]!,
    padBottom: rank === 2 ? pads[2]! : 0,
    padRight: pads[2 * rank - 1]!,
  };
}

/** Dimensions of a tensor [N, C, W] or [N, C, H, W]. */
export interface ImageShape {
  readonly N: number;
  readonly C: number;
  readonly H: number;
  readonly W: number;
}

export function imageShape(shape: readonly number[]): ImageShape {
  const [N = 1, C = 1] = shape;
  return shape.length === 3 ? { N, C, H: 1, W: shape[2]! } : { N, C, H: shape[2] ?? 1, W: shape[3] ?? 1 };
}
