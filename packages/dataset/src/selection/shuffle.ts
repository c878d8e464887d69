import { MersenneTwister } from './mersenne-twister.ts';

/** The seed of TPU-MLIR's sample selection (calibration.md 3.1). */
export const SAMPLE_SEED = 1684;

/** A shuffled copy of `items`: Python's `random.seed(seed); random.shuffle(items)`, element for element. */
export function shuffleLikePython<T>(items: readonly T[], seed: number): T[] {
  const random = new MersenneTwister(seed);
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i >= 1; i--) {
    const j = drawBelow(random, i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}

/** Uniform in [0, bound): the top bits of one output, drawn again while they are too large. */
function drawBelow(random: MersenneTwister, bound: number): number {
  const bits = 32 - Math.clz32(bound);
  for (;;) {
    const value = random.nextUint32() >>> (32 - bits);
    if (value < bound) return value;
  }
}
