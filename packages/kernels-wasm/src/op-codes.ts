/**
 * Numbers that select an operation inside a family. They are part of the binary's interface: append, never renumber.
 * `assembly/op-codes.ts` holds the same tables; a test compares them.
 */

/** `f32_unary(op, x, y, n, p, q)`; `p` and `q` are named in the comment, and ignored where none is. */
export const UnaryOp = {
  /** min(max(x, p), q); NaN stays NaN. Relu is p = 0, q = Infinity. */
  clip: 0,
  /** x < 0 ? p*x : x */
  leakyRelu: 1,
  /** 1 / (1 + e^-x) */
  sigmoid: 2,
  /** ln(sigmoid(x)) */
  logSigmoid: 3,
  tanh: 4,
  exp: 5,
  /** natural logarithm */
  log: 6,
  sqrt: 7,
  /** 1 / sqrt(x) */
  rsqrt: 8,
  /** p / x */
  reciprocal: 9,
  abs: 10,
  neg: 11,
  /** -1, 0, 1; NaN stays NaN, a zero keeps its sign */
  sign: 12,
  floor: 13,
  ceil: 14,
  /** to nearest, ties to even */
  round: 15,
  erf: 16,
  /** x/2 * (1 + erf(x / sqrt 2)) */
  gelu: 17,
  /** x * sigmoid(x) */
  silu: 18,
  /** x * min(max(x + 3, 0), 6) / 6 */
  hardSwish: 19,
  /** min(max(p*x + q, 0), 1) */
  hardSigmoid: 20,
  /** ln(1 + e^x) */
  softplus: 21,
  /** x / (1 + |x|) */
  softsign: 22,
  /** x * tanh(softplus(x)) */
  mish: 23,
  /** x < 0 ? p*(e^x - 1) : x */
  elu: 24,
  sin: 25,
  cos: 26,
  tan: 27,
  arccos: 28,
  arctanh: 29,
  sinh: 30,
  cosh: 31,
  /** p*x + q, two roundings */
  affine: 32,
  /** x * x */
  square: 33,
  /** x ^ p (base from the tensor) */
  powScalar: 34,
  /** p ^ x (exponent from the tensor) */
  scalarPow: 35,
  /** x * sigmoid(p*x) */
  swish: 36,
  /** round half away from zero */
  roundHalfAway: 37,
  /** toward zero */
  trunc: 38,
  /** x == 0 ? 1 : 0 */
  not: 39,
  /** gelu by tanh: x/2 * (1 + tanh(0.7978845608 * (x + 0.044715 x^3))) */
  geluTanh: 40,
} as const;

export type UnaryOpName = keyof typeof UnaryOp;

/** `f32_binary` and `f32_binary_nd`. Comparisons and logic give 0 or 1; logic reads "not zero" as true. */
export const BinaryOp = {
  /** a + b */
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  /** NaN if either is NaN */
  max: 4,
  min: 5,
  /** a ^ b */
  pow: 6,
  /** ca*a + cb*b, three roundings */
  addScaled: 7,
  /** (a - b)^2 */
  squaredDifference: 8,
  /** remainder with the sign of a (C `fmod`) */
  fmod: 9,
  /** remainder with the sign of b (Python `%`) */
  floorMod: 10,
  equal: 11,
  notEqual: 12,
  less: 13,
  lessOrEqual: 14,
  greater: 15,
  greaterOrEqual: 16,
  and: 17,
  or: 18,
  xor: 19,
} as const;

export type BinaryOpName = keyof typeof BinaryOp;

/** `lowered_active`: y = f(x) in float64; p and q are parameters. */
export const ActiveOp = {
  sigmoid: 0,
  logSigmoid: 1,
  silu: 2,
  /** x * sigmoid(p*x) */
  swish: 3,
  tanh: 4,
  exp: 5,
  log: 6,
  sqrt: 7,
  rsqrt: 8,
  erf: 9,
  gelu: 10,
  /** x/2 * (1 + tanh(0.7978845608 * x * (1 + 0.044715 x^2))) */
  geluTanh: 11,
  /** x * sigmoid(1.702 x) */
  geluSigmoid: 12,
  hardSwish: 13,
  /** clamp(p*x + q, 0, 1) */
  hardSigmoid: 14,
  /** x > 0 ? x : p * (e^x - 1) */
  elu: 15,
  /** every step in float32 */
  mish: 16,
  /** x > 20 ? x : ln(e^x + 1) */
  softplus: 17,
  softsign: 18,
  /** x < 0 ? -1 : 1 */
  sign: 19,
  abs: 20,
  floor: 21,
  ceil: 22,
  /** half away from zero; what no int64 holds becomes -2^63 */
  round: 23,
} as const;

export type ActiveOpName = keyof typeof ActiveOp;

/** `f32_reduce`. */
export const ReduceOp = { sum: 0, mean: 1, max: 2, min: 3, prod: 4, l1: 5, l2: 6 } as const;

export type ReduceOpName = keyof typeof ReduceOp;

/** How a resize maps an output coordinate to the input. */
export const ResizeCoord = { alignCorners: 0, halfPixel: 1, pytorchHalfPixel: 2, asymmetric: 3 } as const;

export type ResizeCoordName = keyof typeof ResizeCoord;

/** `biasMode` of the matrix products. */
export const BiasMode = { none: 0, perColumn: 1, perRow: 2 } as const;

/** Rounding of `fakequant_affine`. */
export const Rounding = { halfEven: 0, halfAwayFromZero: 1 } as const;

/** Bits of the answer of `stats_minmax`. */
export const NonFinite = { nan: 1, infinity: 2 } as const;

/** `qs8_binary_nd`. Comparisons and logic give 0 or 1. */
export const CodeOp = {
  /** each term scaled and rounded on its own */
  add: 0,
  sub: 1,
  /** (a*mA + b*mB) >> sA, half up */
  addShared: 2,
  /** (a*b*mA) >> sA, half up */
  mul: 3,
  /** (a*b*mA) >> 31 half up, then >> sA half away from zero */
  mulQdm: 4,
  max: 5,
  min: 6,
  equal: 7,
  notEqual: 8,
  less: 9,
  lessOrEqual: 10,
  xor: 11,
} as const;

export type CodeOpName = keyof typeof CodeOp;

/** `lowered_reduce`. */
export const LoweredReduce = { sum: 0, mean: 1, l1: 2, l2: 3 } as const;

export type LoweredReduceName = keyof typeof LoweredReduce;

/** How the casts of lowered graphs round a float: not at all, to a 16-bit type of the BM chips, or as a CV18xx multiplies. */
export const CastFloat = { f32: 0, f16: 1, bf16: 2, cv18xx: 3 } as const;

export type CastFloatName = keyof typeof CastFloat;

/** Rounding of `lowered_quantize`. */
export const CastRounding = {
  halfAway: 0,
  halfUp: 1,
  halfDown: 2,
  halfEven: 3,
  towardsZero: 4,
  up: 5,
  down: 6,
} as const;

export type CastRoundingName = keyof typeof CastRounding;

/** How `cv_lut` combines two tables: a value and a slope, or an exponent with a mantissa by product or (`log`) sum. */
export const CvTable = { slope: 0, mantissa: 1, log: 2 } as const;

export type CvTableName = keyof typeof CvTable;

/** How `cv_interp` weighs four pixels: by products of weights, by those of the axes that miss a pixel, or rows first. */
export const CvBlend = { products: 0, whereNeeded: 1, rows: 2 } as const;

export type CvBlendName = keyof typeof CvBlend;

/** Interpolation of `f32_grid_sample`, as TPU-MLIR's `mode`. */
export const GridMode = { linear: 0, nearest: 1, cubic: 2 } as const;

export type GridModeName = keyof typeof GridMode;

/** What `scatter_elements` makes of what is there and an update, as TPU-MLIR's `reduction`. */
export const ScatterOp = { replace: 0, add: 1, mul: 2, max: 3, min: 4 } as const;

export type ScatterOpName = keyof typeof ScatterOp;
