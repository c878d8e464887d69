/** The attributes of operators that a Relu can be fused into. */
export interface ReluAttributes {
  readonly doRelu: boolean;
  readonly reluLimit: number;
}

/** Clamp that a kernel applies to its result. */
export interface Bounds {
  readonly lo: number;
  readonly hi: number;
}

export const UNBOUNDED: Bounds = { lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY };

/** The clamp that a fused Relu means; a limit ≤ 0 means none (ir.md 6). */
export function reluBounds({ doRelu, reluLimit }: ReluAttributes): Bounds {
  return doRelu ? { lo: 0, hi: upperBound(reluLimit) } : UNBOUNDED;
}

export function upperBound(limit: number): number {
  return limit > 0 ? limit : Number.POSITIVE_INFINITY;
}
