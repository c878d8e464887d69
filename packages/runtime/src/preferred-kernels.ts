import type { SessionOptions } from './session.ts';

/** Which kernels sessions take that do not say so themselves. */
export type KernelPreference = Pick<SessionOptions, 'binary' | 'winograd'>;

let preference: KernelPreference = {};

/**
 * Chooses the kernels of all later sessions of this thread, and of the workers that its pools start, unless their own options
 * say otherwise: for programs that let their user trade equal bits for speed. Libraries leave it alone.
 */
export function preferKernels(kernels: KernelPreference): void {
  preference = { ...kernels };
}

/** What `preferKernels` was last told in this thread; nothing at first. */
export function preferredKernels(): KernelPreference {
  return preference;
}
