import type { PrepareContext, RunOp } from '../../implementation.ts';

/** True for the processors whose numbers this folder defines. */
export function isCv18xx(chip: string): boolean {
  return chip.startsWith('cv18') && chip !== 'cv186x';
}

/** `run`, then its result as bfloat16 of the CV18xx (numerics.md 3). */
export function roundedToBf16(context: PrepareContext, run: RunOp): RunOp {
  const { kernels } = context;
  const y = context.output();
  return () => {
    run();
    kernels.cv_bf16_round(y.ptr, y.ptr, y.length);
  };
}
