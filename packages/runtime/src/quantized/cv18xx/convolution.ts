import type { OpOf } from '@q/ir';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext, RunOp } from '../../implementation.ts';
import { aroundAxis } from '../../shapes.ts';
import { TensorSlot } from '../../slot.ts';
import { prepareCopy } from '../../strided-copy.ts';
import { codesIn, holdsCodes, lowestCode } from '../codes.ts';
import { perChannel, convolutionImplementations as shared } from '../convolution.ts';
import { delegateContext } from '../delegate-context.ts';

/** The operand of a convolution with zeros inserted between its pixels, in scratch memory. */
function insertZeros(context: PrepareContext, inserts: readonly number[]) {
  const { kernels } = context;
  const x = context.input(0);
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const [stepH, stepW] = [inserts[0]! + 1, inserts[1]! + 1];
  const shape = [n, c, (h - 1) * stepH + 1, (w - 1) * stepW + 1];
  const spread = new TensorSlot(x.name, { ...x.type, shape }, context.memory);
  const scratch = context.scratch(spread.byteLength);
  const [, , rows, columns] = shape as [number, number, number, number];
  const copy = prepareCopy(context, x.dtype, {
    dims: [n * c, h, w],
    sourceStrides: [h * w, w, 1],
    targetStrides: [rows * columns, stepH * columns, stepW],
  });
  const fill = (): void => {
    spread.ptr = scratch.ptr;
    kernels.fill_x8(spread.ptr, 0, spread.byteLength);
    copy(x.ptr, spread.ptr);
  };
  return { spread, fill };
}

const conv: OpImplementation<'tpu.Conv2D'> = {
  prepare(op, context) {
    const base = shared['tpu.Conv2D'] as OpImplementation<'tpu.Conv2D'>;
    const { inserts } = op.attributes;
    if (inserts === undefined || inserts.every((insert) => insert === 0)) return base.prepare(op, context);
    const { spread, fill } = insertZeros(context, inserts);
    const around = delegateContext(context, {
      input: (index) => (index === 0 ? spread : context.input(index)),
      optionalInput: (index) => (index === 0 ? spread : context.optionalInput(index)),
    });
    const dense: OpOf<'tpu.Conv2D'> = { ...op, attributes: { ...op.attributes, inserts: [0, 0] } };
    const run = base.prepare(dense, around);
    return () => {
      fill();
      run();
    };
  },
};

/** Sums as on every processor, then QDM per channel, half away, clamped to i8 (numerics.md 9.1). */
function prepareDeconvCodes(op: OpOf<'tpu.Deconv'>, context: PrepareContext): RunOp {
  const { multiplier, rshift, quantMode, doRelu } = op.attributes;
  if (quantMode !== 'QDM') refuse(op, `the mode ${quantMode}`, 'QDM');
  const y = context.output();
  const { hi } = codesIn(y);
  const lowest = lowestCode(codesIn(y), doRelu);
  const sums = new TensorSlot(y.name, { shape: y.shape, dtype: 'i32' }, context.memory);
  const scratch = context.scratch(sums.byteLength);
  const run = (shared['tpu.Deconv'] as OpImplementation<'tpu.Deconv'>).prepare(
    { ...op, attributes: { ...op.attributes, doRelu: false } },
    delegateContext(context, { output: () => sums }),
  );
  const { kernels } = context;
  const { outer, axis: channels, inner } = aroundAxis(y.shape, 1);
  const multipliers = context.place(perChannel(multiplier, channels, 1));
  const rshifts = context.place(perChannel(rshift, channels, 0));
  return () => {
    sums.ptr = scratch.ptr;
    run();
    // biome-ignore format: one argument per line hides the groups
    kernels.requant_qdm_channels(
      sums.ptr, y.ptr, outer, channels, inner, multipliers.ptr, rshifts.ptr, lowest, hi,
    );
  };
}

const deconv: OpImplementation<'tpu.Deconv'> = {
  prepare: (op, context) =>
    holdsCodes(context.output().type.dtype)
      ? prepareDeconvCodes(op, context)
      : (shared['tpu.Deconv'] as OpImplementation<'tpu.Deconv'>).prepare(op, context),
};

export const convolutionImplementations: Implementations = { 'tpu.Conv2D': conv, 'tpu.Deconv': deconv };
