import { type KernelPreference, preferredKernels } from './preferred-kernels.ts';

const variants = ['default', 'winograd', 'fast', 'fast-direct'] as const;

/**
 * Which float sums sessions compute. `default`, `winograd`: each the same bits on every machine. `fast` (with Winograd) and
 * `fast-direct` (without): results may also differ between engines and machines.
 */
export type KernelVariant = (typeof variants)[number];

/** The variant that sessions of this thread take unless their own options say otherwise: for what records float results. */
export function kernelVariant({ binary, winograd }: KernelPreference = preferredKernels()): KernelVariant {
  if (binary === 'fast') return winograd === false ? 'fast-direct' : 'fast';
  return winograd === true ? 'winograd' : 'default';
}

/** Whether a record names a variant that there is. */
export function isKernelVariant(word: unknown): word is KernelVariant {
  return variants.some((variant) => variant === word);
}
