import type { Implementations } from '../implementation.ts';

/** Execution of the `tpu.*` operators of lowered graphs. */
export const quantizedImplementations: Implementations = {};
