import type { PrepareContext } from '../implementation.ts';

/** `context` with some of its answers replaced: how one operator is prepared as if it were another. */
export function delegateContext(context: PrepareContext, overrides: Partial<PrepareContext>): PrepareContext {
  return {
    kernels: context.kernels,
    memory: context.memory,
    chip: context.chip,
    asymmetric: context.asymmetric,
    winograd: context.winograd,
    warn: (code, message) => context.warn(code, message),
    noteAccumulator: (largest) => context.noteAccumulator(largest),
    input: (index) => context.input(index),
    optionalInput: (index) => context.optionalInput(index),
    inputs: () => context.inputs(),
    output: (index) => context.output(index),
    optionalOutput: (index) => context.optionalOutput(index),
    constant: (index) => context.constant(index),
    scratch: (byteLength) => context.scratch(byteLength),
    place: (data) => context.place(data),
    // What was delegated is rarely all that the operator does.
    offerFusion: () => {},
    pack: (index, request) => context.pack(index, request),
    derive: (index, layout, make) => context.derive(index, layout, make),
    ...overrides,
  };
}
