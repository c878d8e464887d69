import type { Implementations } from '../implementation.ts';

/** Execution of the `top.*` operators. */
export const floatImplementations: Implementations = {};
