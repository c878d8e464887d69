import type { OpOf } from '@q/ir';
import { layoutProduct, type Product } from '../float/matrix-product.ts';
import { refuse } from '../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext } from '../implementation.ts';
import type { Slot } from '../slot.ts';
import { floatBias, watchAccumulator } from './accumulate.ts';
import { byteCodesIn, codesIn, flag, lowestCode } from './codes.ts';
import { finishOf, perChannel } from './convolution.ts';
import { prepareFinish } from './finish.ts';
import { asTop } from './float-form.ts';
import { mixed } from './mixed.ts';

/** Matrices of the right operand in the kernel's layout: packed once for weights, on every run for values. */
interface RightOperand {
  readonly slot: Slot;
  /** Address of the packed matrix of a batch. */
  at(batch: number): number;
  refresh(batch: number): void;
}

const matMul: OpImplementation<'tpu.MatMul'> = {
  prepare(op, context) {
    const { kernels } = context;
    const [x, y] = [context.input(0), context.output()];
    const [input, output] = [byteCodesIn(x), codesIn(y)];
    const product = layoutProduct(asTop(op as never) as OpOf<'top.MatMul'>, x, context.input(1));
    const { M, N, K, a, c } = product;
    const right = rightOperand(context, product);
    const bias = op.inputs[2] == null ? null : context.derive(2, `f32 ${N}`, (weight) => biasOf(op, weight.data, N));
    const scratch = context.scratch(kernels.qs8_gemm_scratch_bytes(K));
    const lo = lowestCode(output, op.attributes.doRelu);
    const bytes = y.byteLength / y.length;
    const finish = prepareFinish(context, {
      mode: finishOf(op, op.attributes.quantMode),
      bias,
      multiplier: perChannel(op.attributes.multipliers, N, 1),
      rshift: perChannel(op.attributes.rshifts, N, 0),
      bytes,
      codes: [output.zero, lo, output.hi],
    });
    const [biases, multipliers, shifts] = finish.pointers;
    const watch = watchAccumulator(context);
    return () => {
      for (let batch = 0; batch < c.offsets.length; batch++) {
        right.refresh(batch);
        // biome-ignore format: one argument per line hides the groups
        const peak = kernels.qs8_gemm(
          x.ptr + a.offsets[batch]!, flag(input.signed), right.at(batch), biases, multipliers, shifts,
          y.ptr + bytes * c.offsets[batch]!, bytes, scratch.ptr, M, N, K, a.rowStride, a.columnStride, c.rowStride,
          finish.mode, output.zero, lo, output.hi,
        );
        watch(peak);
      }
    };
  },
};

function biasOf(op: OpOf<'tpu.MatMul'>, data: ArrayLike<number>, N: number): Float32Array {
  if (data.length === N) return floatBias(data);
  if (data.length === 1) return new Float32Array(N).fill(data[0]!);
  return refuse(op, `a bias of ${data.length}`, `${N}: one per column`);
}

function rightOperand(context: PrepareContext, { M, N, K, b }: Product): RightOperand {
  const { kernels } = context;
  const weight = context.constant(1);
  const right = context.input(1);
  const signed = flag(byteCodesIn(right).signed);
  const bytes = kernels.qs8_gemm_packed_bytes(M, N, K);
  const pack = (raw: number, packed: number, offset: number): void =>
    kernels.qs8_gemm_pack(raw + offset, signed, packed, M, N, K, b.rowStride, b.columnStride);
  if (weight === undefined) {
    const slot = context.scratch(bytes);
    return { slot, at: () => slot.ptr, refresh: (batch) => pack(right.ptr, slot.ptr, b.offsets[batch]!) };
  }
  const matrices = [...new Set(b.offsets)];
  const slot = context.pack(1, {
    layout: `qs8_gemm ${M === 1 ? 'one' : 'rows'} ${N} ${K} ${b.rowStride} ${b.columnStride} ${matrices.length}`,
    byteLength: bytes * matrices.length,
    fill: (raw, packed) => {
      matrices.forEach((offset, index) => {
        pack(raw, packed + bytes * index, offset);
      });
    },
  });
  const indexOf = b.offsets.map((offset) => matrices.indexOf(offset));
  return { slot, at: (batch) => slot.ptr + bytes * indexOf[batch]!, refresh() {} };
}

export const matMulImplementations: Implementations = { 'tpu.MatMul': mixed(matMul) };
