import type { Implementations, OpImplementation } from '../../implementation.ts';
import { castingImplementations } from '../casting.ts';
import { prepareCpuInterp } from './cpu-interp.ts';

/** Operators that run on the host: `quant` is among the casts. */
const genericCpu: OpImplementation<'tpu.GenericCpu'> = {
  prepare(op, context) {
    if (op.attributes.cpuOpName === 'interp') return prepareCpuInterp(op, context);
    return (castingImplementations['tpu.GenericCpu'] as OpImplementation<'tpu.GenericCpu'>).prepare(op, context);
  },
};

export const cpuImplementations: Implementations = { 'tpu.GenericCpu': genericCpu };
