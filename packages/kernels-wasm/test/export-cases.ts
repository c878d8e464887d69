import type { Arena, KernelExports } from '../src/index.ts';
import {
  ActiveOp,
  AverageFinish,
  BinaryOp,
  CastFloat,
  CastRounding,
  CodeOp,
  CvTable,
  Finish,
  LoweredReduce,
  NormSteps,
  planBroadcast,
  planCopy,
  ReduceOp,
  ResizeCoord,
  UnaryOp,
} from '../src/index.ts';
import { INDEXED_CASES } from './export-cases-indexed.ts';
import { RECURRENT_CASES } from './export-cases-recurrent.ts';

/**
 * One call of every export on data that are the same everywhere, for comparisons of binaries and of engines. A test holds the
 * list against the binary.
 */
export type ExportCase = (e: KernelExports, room: Room) => unknown;

/** Places reproducible data in one instance's memory. */
export class Room {
  readonly #arena: Arena;
  #seed = 1;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Finite float32 in [-scale, scale). */
  floats(count: number, scale = 1): number {
    return this.#arena.place(this.#noise(count).map((v) => v * scale));
  }

  codes(count: number): number {
    return this.#arena.place(Int8Array.from(this.#noise(count), (v) => Math.floor(v * 128)));
  }

  words(count: number, scale = 1000): number {
    return this.#arena.place(Int32Array.from(this.#noise(count), (v) => Math.floor(v * scale)));
  }

  ints(values: ArrayLike<number>): number {
    return this.#arena.place(Int32Array.from(values));
  }

  /** Zeros. */
  bytes(count: number): number {
    const pointer = this.#arena.alloc(count);
    this.#arena.u8(pointer, count).fill(0);
    return pointer;
  }

  #noise(count: number): Float32Array {
    let state = Math.imul(this.#seed++, 2654435761) >>> 0;
    return Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    });
  }
}

const N = 1037;
const [LO, HI] = [-Infinity, Infinity];

/** n, ic, ih, iw, oc, kh, kw, strides, dilations, pads, groups of a dense, a depthwise and a pointwise convolution. */
const CONVOLUTIONS = [
  { ic: 8, oc: 12, k: 3, stride: 1, groups: 1 },
  { ic: 8, oc: 8, k: 3, stride: 2, groups: 8 },
  { ic: 8, oc: 40, k: 1, stride: 1, groups: 1 },
] as const;
const SIZE = 13;

function convolutions(e: KernelExports, room: Room, op?: number): void {
  for (const { ic, oc, k, stride, groups } of CONVOLUTIONS) {
    const pad = k >> 1;
    const packed = room.bytes(e.f32_conv2d_packed_bytes(ic, oc, k, k, groups));
    e.f32_conv2d_pack(room.floats((oc * ic * k * k) / groups), packed, ic, oc, k, k, groups);
    const shape = [ic, SIZE, SIZE, oc, k, k, stride, stride, 1, 1, pad, pad, pad, pad, groups] as const;
    const scratch = room.bytes(e.f32_conv2d_scratch_bytes(...shape));
    const out = Math.floor((SIZE - 1) / stride) + 1;
    const y = room.bytes(4 * oc * out * out);
    const operands = [room.floats(ic * SIZE * SIZE), packed, room.floats(oc)] as const;
    if (op === undefined) e.f32_conv2d(...operands, y, scratch, 1, ...shape, -2, 2);
    else e.f32_conv2d_unary(...operands, y, scratch, 1, ...shape, -2, 2, op, 0, 0);
  }
}

function winograd(e: KernelExports, room: Room): void {
  const [ic, oc, size] = [9, 42, 13];
  const packed = room.bytes(e.f32_winograd_packed_bytes(ic, oc));
  e.f32_winograd_pack(room.floats(oc * ic * 9), packed, ic, oc);
  const scratch = room.bytes(e.f32_winograd_scratch_bytes(2, ic, size, size, 1, 1, 1, 1));
  const [x, bias, y] = [room.floats(2 * ic * size * size), room.floats(oc), room.bytes(8 * oc * size * size)];
  e.f32_winograd(x, packed, bias, y, scratch, 2, ic, size, size, oc, 1, 1, 1, 1, -2, 2);
}

function integerConvolutions(e: KernelExports, room: Room): number {
  let largest = 0;
  for (const { ic, oc, k, stride, groups } of CONVOLUTIONS) {
    const pad = k >> 1;
    const kernel = [ic, oc, k, k, stride, stride, 1, 1, groups] as const;
    const packed = room.bytes(e.qs8_conv2d_packed_bytes(...kernel));
    e.qs8_conv2d_pack(room.codes((oc * ic * k * k) / groups), 1, packed, ...kernel);
    const geometry = [oc, k, k, stride, stride, 1, 1, pad, pad, pad, pad, groups] as const;
    const scratch = room.bytes(e.qs8_conv2d_scratch_bytes(ic, SIZE, SIZE, ...geometry));
    const out = Math.floor((SIZE - 1) / stride) + 1;
    const y = room.bytes(oc * out * out);
    const [bias, m, s] = [room.floats(oc, 1000), room.ints(Array(oc).fill(77)), room.ints(Array(oc).fill(15))];
    const x = room.codes(ic * SIZE * SIZE);
    const shape = [1, ic, SIZE, SIZE, ...geometry, 0] as const;
    largest += e.qs8_conv2d(x, 1, packed, bias, m, s, y, 1, scratch, ...shape, Finish.multiplierShift, 3, -128, 127);
  }
  return largest;
}

function transposedConvolution(e: KernelExports, room: Room, op?: number): void {
  const packed = room.bytes(e.f32_deconv2d_packed_bytes(6, 4, 3, 3, 1));
  e.f32_deconv2d_pack(room.floats(6 * 4 * 9), packed, 6, 4, 3, 3, 1);
  const scratch = room.bytes(e.f32_deconv2d_scratch_bytes(5, 5, 4, 3, 3, 1));
  const y = room.bytes(4 * 4 * 10 * 10);
  const geometry = [1, 6, 5, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1] as const;
  const call = [room.floats(6 * 25), packed, room.floats(4), y, scratch, ...geometry, LO, HI] as const;
  if (op === undefined) e.f32_deconv2d(...call);
  else e.f32_deconv2d_unary(...call, op, 0, 0);
}

function products(e: KernelExports, room: Room): void {
  const [m, n, k] = [9, 37, 50];
  const [a, b, bias] = [room.floats(m * k), room.floats(k * n), room.floats(n)];
  const scratch = room.bytes(e.f32_gemm_scratch_bytes(m, n, k));
  e.f32_gemm(a, b, bias, room.bytes(4 * m * n), scratch, m, n, k, k, 1, n, 1, n, 1, LO, HI);
}

function packedProduct(e: KernelExports, room: Room, op?: number): void {
  const [m, n, k] = [9, 37, 50];
  const packed = room.bytes(e.f32_gemm_packed_bytes(n, k));
  e.f32_gemm_pack(room.floats(k * n), packed, n, k, n, 1);
  const scratch = room.bytes(e.f32_gemm_scratch_bytes(m, n, k));
  const y = room.bytes(4 * m * n);
  const call = [room.floats(m * k), packed, room.floats(n), y, scratch, m, n, k, k, 1, n, 1, LO, HI] as const;
  if (op === undefined) e.f32_gemm_packed(...call);
  else e.f32_gemm_packed_unary(...call, op, 0, 0);
}

function integerProduct(e: KernelExports, room: Room): number {
  const [m, n, k] = [9, 37, 50];
  const packed = room.bytes(e.qs8_gemm_packed_bytes(m, n, k));
  e.qs8_gemm_pack(room.codes(k * n), 1, packed, m, n, k, n, 1);
  const scratch = room.bytes(e.qs8_gemm_scratch_bytes(k));
  const [bias, scale, shift] = [room.floats(n, 100), room.ints(Array(n).fill(1 << 30)), room.ints(Array(n).fill(7))];
  const y = room.bytes(m * n);
  const finish = [Finish.qdm, -2, -128, 127] as const;
  const peak = e.qs8_gemm(room.codes(m * k), 1, packed, bias, scale, shift, y, 1, scratch, m, n, k, k, 1, n, ...finish);
  // Bias, multiplier, shift, and the place of the factor.
  const table = room.ints(Array.from({ length: 4 * n }, (_, i) => [0, 3 + i * 77777, 21 + (i % 9), 0][i % 4]!));
  e.qs8_finish_pack(table, n, -2, -128, 127);
  const again = [Finish.packed, -2, -128, 127] as const;
  const z = room.bytes(m * n);
  return peak + e.qs8_gemm(room.codes(m * k), 1, packed, table, 0, 0, z, 1, scratch, m, n, k, k, 1, n, ...again);
}

function broadcast(e: KernelExports, room: Room): void {
  const plan = planBroadcast([2, 3, 5, 7], [3, 1, 7]);
  const at = room.ints(plan.data);
  e.f32_binary_nd(BinaryOp.mul, room.floats(210), room.floats(21), room.bytes(840), plan.rank, at, 1, 1, LO, HI);
}

function transposes(bytes: 4 | 1): ExportCase {
  return (e, room) => {
    const { rank, data } = planCopy([5, 7, 3], [3, 15, 1], [21, 3, 1]);
    const [from, to] = [room.codes(105 * bytes), room.bytes(105 * bytes)];
    (bytes === 4 ? e.copy_nd_x32 : e.copy_nd_x8)(from, to, rank, room.ints(data));
  };
}

function pool(e: KernelExports, room: Room, kind: 'max' | 'average'): void {
  const scratch = room.bytes(e.f32_pool2d_scratch_bytes(9, 5, 3, 2));
  const [x, y] = [room.floats(2 * 81), room.bytes(4 * 2 * 25)];
  if (kind === 'max') e.f32_maxpool2d(x, y, scratch, 2, 9, 9, 5, 5, 3, 3, 2, 2, 1, 1, LO, HI);
  else e.f32_avgpool2d(x, y, scratch, 2, 9, 9, 5, 5, 3, 3, 2, 2, 1, 1, 0, LO, HI);
}

function actives(e: KernelExports, room: Room): void {
  for (const code of Object.values(ActiveOp))
    e.lowered_active(code, room.floats(101, 9), room.bytes(404), 101, 0.7, 0.4);
}

function codePairs(e: KernelExports, room: Room): void {
  const { rank, data } = planBroadcast([2, 3, 5, 7], [3, 1, 7]);
  for (const code of Object.values(CodeOp)) {
    const [a, b] = [room.codes(210), room.codes(21)];
    e.qs8_binary_nd(code, a, 1, 3, 90, 7, b, 1, -2, 60, 6, room.bytes(210), rank, room.ints(data), 1, -128, 127);
  }
}

function tableFunctions(e: KernelExports, room: Room): void {
  for (const kind of Object.values(CvTable))
    e.cv_lut(kind, room.floats(N, 20), room.floats(256), room.floats(256), room.bytes(4 * N), N, 10.5);
}

function resizeLinear(e: KernelExports, room: Room): void {
  const scratch = room.bytes(e.f32_resize_linear_scratch_bytes(6, 11));
  e.f32_resize_linear(room.floats(72), room.bytes(4 * 2 * 121), scratch, 2, 6, 6, 11, 11, ResizeCoord.halfPixel);
}

function integerPool(e: KernelExports, room: Room): void {
  const scratch = room.bytes(e.qs8_maxpool2d_scratch_bytes(9, 5, 3, 2, 1));
  e.qs8_maxpool2d(room.codes(162), 1, room.bytes(50), scratch, 2, 9, 9, 5, 5, 3, 3, 2, 2, 1, 1);
}

function integerAverage(e: KernelExports, room: Room): void {
  const window = [2, 9, 9, 5, 5, 3, 3, 2, 2, 1, 1, 0] as const;
  for (const finish of Object.values(AverageFinish))
    e.qs8_avgpool2d(room.codes(162), 1, room.bytes(50), ...window, finish, 90, 7, 0.7, 0.5, 2, -128, 127);
}

function loweredRows(e: KernelExports, room: Room): void {
  for (const steps of Object.values(NormSteps))
    e.lowered_normalize(room.floats(300), room.bytes(1200), 3, 100, 1e-5, Math.fround(0.01), 1, steps);
}

/** Every unary operation; finite results only: payloads of NaN are nobody's promise. */
function unaries(e: KernelExports, room: Room): void {
  for (const op of Object.values(UnaryOp)) e.f32_unary(op, room.ints(positives()), room.bytes(4 * 64), 64, 0.3, 0.5);
}

/** Bits of float32 numbers in (0, 1). */
function positives(): Int32Array {
  return new Int32Array(Float32Array.from({ length: 64 }, (_, i) => (i + 0.5) / 65).buffer);
}

function binaries(e: KernelExports, room: Room): void {
  for (const op of Object.values(BinaryOp)) {
    const [a, b] = [room.ints(positives()), room.ints(positives().reverse())];
    e.f32_binary(op, a, 1, b, 1, room.bytes(4 * 64), 64, 1.5, -0.5, LO, HI);
  }
}

function reductions(e: KernelExports, room: Room): void {
  for (const op of Object.values(ReduceOp)) e.f32_reduce(op, room.floats(3 * 50 * 7), room.bytes(84), 3, 50, 7);
}

const bins = (_e: KernelExports, room: Room, run: (x: number, counts: number) => number): number =>
  run(room.floats(N), room.bytes(4 * 128));

/** By export; `_pack`, `_packed_bytes` and `_scratch_bytes` belong to the case of what they prepare. */
export const EXPORT_CASES: Readonly<Record<string, ExportCase>> = {
  ...INDEXED_CASES,
  ...RECURRENT_CASES,
  bf16_round: (e, room) => e.bf16_round(room.floats(N), room.bytes(4 * N), N),
  copy_nd_x32: transposes(4),
  copy_nd_x8: transposes(1),
  f16_round: (e, room) => e.f16_round(room.floats(N), room.bytes(4 * N), N),
  f32_argmax: (e, room) => e.f32_argmax(room.floats(1050), room.bytes(84), 3, 50, 7, 0, 0),
  f32_avgpool2d: (e, room) => pool(e, room, 'average'),
  f32_binary: binaries,
  f32_binary_nd: broadcast,
  f32_conv2d: (e, room) => convolutions(e, room),
  f32_conv2d_unary: (e, room) => convolutions(e, room, UnaryOp.silu),
  f32_deconv2d: (e, room) => transposedConvolution(e, room),
  f32_deconv2d_unary: (e, room) => transposedConvolution(e, room, UnaryOp.hardSwish),
  f32_gemm: products,
  f32_gemm_packed: (e, room) => packedProduct(e, room),
  f32_gemm_packed_unary: (e, room) => packedProduct(e, room, UnaryOp.gelu),
  f32_instancenorm: (e, room) =>
    e.f32_instancenorm(room.floats(600), room.floats(3), room.floats(3), room.bytes(2400), 2, 3, 100, 1e-5),
  f32_layernorm: (e, room) =>
    e.f32_layernorm(room.floats(600), room.floats(100), room.floats(100), room.bytes(2400), 6, 100, 1e-5),
  f32_lrn: (e, room) => e.f32_lrn(room.floats(600), room.bytes(2400), 2, 12, 25, 5, 0.1, 0.75, 1),
  f32_maxpool2d: (e, room) => pool(e, room, 'max'),
  f32_pixelnorm: (e, room) =>
    e.f32_pixelnorm(room.floats(600), room.floats(12), room.floats(12), room.bytes(2400), 2, 12, 25, 1e-5),
  f32_prelu: (e, room) => e.f32_prelu(room.floats(600), room.floats(3), room.bytes(2400), 2, 3, 100),
  f32_quantize_linear: (e, room) => e.f32_quantize_linear(room.floats(N, 3), room.bytes(N), N, 0.017, 3, -128, 127),
  f32_reduce: reductions,
  f32_resize_linear: resizeLinear,
  f32_resize_nearest: (e, room) =>
    e.f32_resize_nearest(room.floats(72), room.bytes(968), 2, 6, 6, 11, 11, ResizeCoord.asymmetric),
  f32_rmsnorm: (e, room) => e.f32_rmsnorm(room.floats(600), room.floats(100), room.bytes(2400), 6, 100, 1e-6),
  f32_scale: (e, room) =>
    e.f32_scale(room.floats(600), room.floats(3), room.floats(3), room.bytes(2400), 2, 3, 100, -1, 1),
  f32_softmax: (e, room) => e.f32_softmax(room.floats(600, 9), room.bytes(2400), 6, 100, 1, 1.5, 0),
  f32_to_i32: (e, room) => e.f32_to_i32(room.floats(N, 1e4), room.bytes(4 * N), N),
  f32_to_q8: (e, room) => e.f32_to_q8(room.floats(N), room.bytes(N), N, 100, 0, 3, -128, 127),
  f32_unary: unaries,
  f32_where: (e, room) => e.f32_where(room.ints([0, 1, 0, 1]), room.floats(4), 1, room.floats(4), 1, room.bytes(16), 4),
  f32_winograd: winograd,
  fakequant_affine: (e, room) => e.fakequant_affine(room.floats(N), room.bytes(4 * N), N, 0.01, 3, 0, 255, 1),
  fakequant_symmetric: (e, room) => e.fakequant_symmetric(room.floats(N), room.bytes(4 * N), N, 150),
  fill_f32: (e, room) => e.fill_f32(room.bytes(4 * N), 1.5, N),
  fill_x32: (e, room) => e.fill_x32(room.bytes(4 * N), 0x12345678, N),
  fill_x8: (e, room) => e.fill_x8(room.bytes(N), 7, N),
  gather_rows: (e, room) => e.gather_rows(room.floats(30), room.ints([2, -1, 0]), room.bytes(60), 3, 6, 20),
  i32_to_f32: (e, room) => e.i32_to_f32(room.words(N, 1e9), room.bytes(4 * N), N),
  lut_x8: (e, room) => e.lut_x8(room.codes(N), room.codes(256), room.bytes(N), N),
  lut_x8_x32: (e, room) => e.lut_x8_x32(room.codes(N), room.floats(256), room.bytes(4 * N), N),
  cv_bf16_round: (e, room) => e.cv_bf16_round(room.floats(N), room.bytes(4 * N), N),
  cv_bf16_truncate: (e, room) => e.cv_bf16_truncate(room.floats(N), room.bytes(4 * N), N),
  cv_interp: (e, room) => {
    const taps = [0, 1, 0x3e800000, 0x3f400000, 1, 1, 0x3f000000, 0x3f000000, 2, 3, 0x3f400000, 0x3e800000];
    e.cv_interp(0, room.floats(32), room.bytes(72), 2, 4, 4, 3, 3, room.ints(taps), room.ints(taps));
  },
  cv_layernorm: (e, room) => {
    const [x, y, w, b] = [room.floats(600, 4), room.bytes(2400), room.floats(100), room.floats(100)];
    e.cv_layernorm(x, y, w, b, 6, 100, 0.01, 1e-5, room.floats(256), room.floats(256));
  },
  cv_lut: tableFunctions,
  cv_quantize: (e, room) => e.cv_quantize(room.floats(N, 3), room.bytes(N), N, 50),
  cv_requant_f32: (e, room) => e.cv_requant_f32(room.floats(N, 1e4), room.bytes(N), N, 93, 13, -128, 127),
  cv_softmax: (e, room) => {
    const [x, y, powers, slopes] = [room.floats(600, 6), room.bytes(2400), room.floats(256), room.floats(256)];
    e.cv_softmax(x, y, 2, 60, 5, powers, slopes, 8.5, room.floats(256), room.floats(256), 0, 0.998);
  },
  lowered_active: actives,
  lowered_dequantize: (e, room) =>
    e.lowered_dequantize(room.words(N, 30000), 4, room.bytes(4 * N), N, 0.01, 3, CastFloat.bf16),
  lowered_interp: (e, room) => {
    const positions = [room.ints([0, 1, 3]), room.floats(3), room.ints([0, 2, 2, 4, 5]), room.floats(5)] as const;
    e.lowered_interp(room.floats(48), room.bytes(120), room.bytes(24), 2, 4, 6, 3, 5, ...positions);
  },
  lowered_quantize: (e, room) => {
    const [read, product, rounding] = [CastFloat.bf16, CastFloat.f16, CastRounding.halfEven];
    e.lowered_quantize(room.floats(N), room.bytes(2 * N), 2, N, 300, read, product, rounding, 3, -32768, 32767);
  },
  lowered_reduce: (e, room) => e.lowered_reduce(LoweredReduce.l2, room.floats(600), room.bytes(40), 2, 60, 5, 1),
  lowered_requant_real: (e, room) =>
    e.lowered_requant_real(room.words(N, 1e6), room.bytes(N), 1, N, 1e-4, 2.5, -128, 127),
  qs8_binary_nd: codePairs,
  qs8_softmax: (e, room) =>
    e.qs8_softmax(room.codes(600), 1, room.floats(256), room.bytes(600), 2, 60, 5, 0.01, 1, -3, -128, 127),
  requant_qdm_channels: (e, room) => {
    const [multipliers, shifts] = [room.ints([1 << 30, 1518500250, 2 ** 31 - 1]), room.ints([9, 12, 15])];
    e.requant_qdm_channels(room.words(600, 1e6), room.bytes(600), 2, 3, 100, multipliers, shifts, -128, 127);
  },
  select_x8: (e, room) => e.select_x8(room.codes(N), room.codes(N), 1, room.codes(N), 0, room.bytes(N), N),
  lowered_affine: (e, room) => e.lowered_affine(room.floats(600), room.floats(20), room.floats(20), 3, 20, 10, 0),
  lowered_normalize: loweredRows,
  lowered_softmax: (e, room) => e.lowered_softmax(room.floats(300), room.bytes(1200), 3, 100, 1, 1.5, 0),
  metrics_fakequant_affine: (e, room) =>
    e.metrics_fakequant_affine(room.floats(N), N, 0.01, 3, 0, 200, 0, room.bytes(48)),
  metrics_fakequant_symmetric: (e, room) => e.metrics_fakequant_symmetric(room.floats(N), N, 150, room.bytes(48)),
  metrics_max_abs_diff: (e, room) => e.metrics_max_abs_diff(room.floats(N), room.floats(N), N),
  metrics_pair: (e, room) => e.metrics_pair(room.floats(N), room.floats(N), N, room.bytes(48)),
  qs8_add: (e, room) =>
    e.qs8_add(room.codes(N), 1, 2, 90, 5, room.codes(N), 1, -3, 60, 6, room.bytes(N), N, 4, -128, 127),
  qs8_add_shared: (e, room) => e.qs8_add_shared(room.codes(N), 90, room.codes(N), 60, 7, room.bytes(N), N, -128, 127),
  qs8_avgpool2d: integerAverage,
  qs8_conv2d: integerConvolutions,
  qs8_gemm: integerProduct,
  qs8_maxpool2d: integerPool,
  qs8_mul: (e, room) => e.qs8_mul(room.codes(N), 1, 2, room.codes(N), 1, -3, room.bytes(N), N, 90, 13, 4, -128, 127),
  qs8_mul_qdm: (e, room) => e.qs8_mul_qdm(room.codes(N), room.codes(N), room.bytes(N), N, 1 << 30, 7, -128, 127),
  requant_x32: (e, room) => e.requant_x32(room.words(N, 1e6), room.bytes(N), 1, N, 12345, 27, 0, 3, -128, 127),
  stats_absdev: (e, room) => e.stats_absdev(room.floats(N), N, 0.1),
  stats_central_moments: (e, room) => e.stats_central_moments(room.floats(N), N, 0.1, room.bytes(16)),
  stats_find_nonfinite: (e, room) => e.stats_find_nonfinite(room.floats(N), N),
  stats_histogram: (e, room) => bins(e, room, (x, counts) => e.stats_histogram(x, N, 0.01, 128, counts)),
  stats_histogram_channels: (e, room) => {
    const [x, widths] = [room.floats(960), room.ints([0x3c23d70a, 0x3ca3d70a, 0x3d23d70a])];
    return e.stats_histogram_channels(x, 2, 3, 160, widths, 64, room.bytes(768));
  },
  stats_histogram_halves: (e, room) => bins(e, room, (x, counts) => e.stats_histogram_halves(x, N, 64, 64, counts)),
  stats_histogram_signed: (e, room) =>
    bins(e, room, (x, counts) => e.stats_histogram_signed(x, N, -1, 0.015625, 128, counts)),
  stats_minmax: (e, room) => e.stats_minmax(room.floats(N), N, room.bytes(8)),
  stats_minmax_channels: (e, room) => e.stats_minmax_channels(room.floats(960), 2, 3, 160, room.bytes(24)),
  stats_moments: (e, room) => e.stats_moments(room.floats(N), N, room.bytes(24)),
  stats_moments_channels: (e, room) => e.stats_moments_channels(room.floats(960), 2, 3, 160, room.bytes(72)),
  stats_octav: (e, room) => e.stats_octav(room.floats(N), N, 0.25, room.bytes(16)),
  stats_octav_keep: (e, room) => e.stats_octav_keep(room.floats(N), N, 0.25, room.bytes(16), room.bytes(4 * N)),
  stats_outside: (e, room) => e.stats_outside(room.floats(N), N, -0.5, 0.75, room.bytes(4 * N), N, room.bytes(4)),
};

/** Exports that have a case of their own: kernels, not what prepares them. */
export function hasCase(name: string): boolean {
  return !/^(memory|heapBase|usesRelaxedSimd)$|_(pack|packed_bytes|scratch_bytes)$/.test(name);
}

/** Hash (FNV-1a) of everything that the case of an export left in memory, and of its answer. */
export function hashOf(name: string, e: KernelExports, arena: Arena): string {
  arena.reset();
  const start = arena.mark();
  const answer = EXPORT_CASES[name]!(e, new Room(arena));
  let hash = 0x811c9dc5;
  const add = (byte: number): void => {
    hash = Math.imul(hash ^ byte, 0x01000193);
  };
  for (const byte of new Uint8Array(Float64Array.of(typeof answer === 'number' ? answer : 0).buffer)) add(byte);
  for (const byte of arena.u8(start, arena.mark() - start)) add(byte);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
