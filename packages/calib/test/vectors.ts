/** Sample a (factor 2, ends 6 and -5) and sample b (factor 2.5, ends 9 and -4) of calibration.md 13.1. */
export function vectorSample(factor: number, first: number, second: number): Float32Array {
  const sample = Float32Array.from({ length: 60013 }, (_, i) => {
    const t = (((i * 7919) % 60013) - 30006) / 30006;
    return factor * t ** 3;
  });
  sample[0] = first;
  sample[1] = second;
  return sample;
}

export const sampleA = vectorSample(2, 6, -5);
export const sampleB = vectorSample(2.5, 9, -4);
