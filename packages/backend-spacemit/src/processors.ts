/** SpacemiT's RISC-V processors with an AI instruction set. One model file serves both. */
export const PROCESSORS: readonly string[] = ['k1', 'k3'];
