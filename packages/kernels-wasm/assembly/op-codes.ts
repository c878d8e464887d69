// Mirrors src/op-codes.ts (a test compares them). Append, never renumber.

export const enum UnaryOp {
  clip = 0,
  leakyRelu = 1,
  sigmoid = 2,
  logSigmoid = 3,
  tanh = 4,
  exp = 5,
  log = 6,
  sqrt = 7,
  rsqrt = 8,
  reciprocal = 9,
  abs = 10,
  neg = 11,
  sign = 12,
  floor = 13,
  ceil = 14,
  round = 15,
  erf = 16,
  gelu = 17,
  silu = 18,
  hardSwish = 19,
  hardSigmoid = 20,
  softplus = 21,
  softsign = 22,
  mish = 23,
  elu = 24,
  sin = 25,
  cos = 26,
  tan = 27,
  arccos = 28,
  arctanh = 29,
  sinh = 30,
  cosh = 31,
  affine = 32,
  square = 33,
  powScalar = 34,
  scalarPow = 35,
  swish = 36,
  roundHalfAway = 37,
  trunc = 38,
  not = 39,
  geluTanh = 40,
}

export const enum BinaryOp {
  add = 0,
  sub = 1,
  mul = 2,
  div = 3,
  max = 4,
  min = 5,
  pow = 6,
  addScaled = 7,
  squaredDifference = 8,
  fmod = 9,
  floorMod = 10,
  equal = 11,
  notEqual = 12,
  less = 13,
  lessOrEqual = 14,
  greater = 15,
  greaterOrEqual = 16,
  and = 17,
  or = 18,
  xor = 19,
}

export const enum ReduceOp {
  sum = 0,
  mean = 1,
  max = 2,
  min = 3,
  prod = 4,
  l1 = 5,
  l2 = 6,
}

export const enum ResizeCoord {
  alignCorners = 0,
  halfPixel = 1,
  pytorchHalfPixel = 2,
  asymmetric = 3,
}

export const enum ActiveOp {
  sigmoid = 0,
  logSigmoid = 1,
  silu = 2,
  swish = 3,
  tanh = 4,
  exp = 5,
  log = 6,
  sqrt = 7,
  rsqrt = 8,
  erf = 9,
  gelu = 10,
  geluTanh = 11,
  geluSigmoid = 12,
  hardSwish = 13,
  hardSigmoid = 14,
  elu = 15,
  mish = 16,
  softplus = 17,
  softsign = 18,
  sign = 19,
  abs = 20,
  floor = 21,
  ceil = 22,
  round = 23,
}

export const enum CodeOp {
  add = 0,
  sub = 1,
  addShared = 2,
  mul = 3,
  mulQdm = 4,
  max = 5,
  min = 6,
  equal = 7,
  notEqual = 8,
  less = 9,
  lessOrEqual = 10,
  xor = 11,
}

export const enum LoweredReduce {
  sum = 0,
  mean = 1,
  l1 = 2,
  l2 = 3,
}

export const enum CastFloat {
  f32 = 0,
  f16 = 1,
  bf16 = 2,
  cv18xx = 3,
}

export const enum CastRounding {
  halfAway = 0,
  halfUp = 1,
  halfDown = 2,
  halfEven = 3,
  towardsZero = 4,
  up = 5,
  down = 6,
}

export const enum CvTable {
  slope = 0,
  mantissa = 1,
  log = 2,
}

export const enum CvBlend {
  products = 0,
  whereNeeded = 1,
  rows = 2,
}

export const enum GridMode {
  linear = 0,
  nearest = 1,
  cubic = 2,
}

export const enum ScatterOp {
  replace = 0,
  add = 1,
  mul = 2,
  max = 3,
  min = 4,
}
