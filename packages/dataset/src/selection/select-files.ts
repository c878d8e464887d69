import { QError } from '@q/ir';
import { kindOf } from './sample-kind.ts';
import { SAMPLE_SEED, shuffleLikePython } from './shuffle.ts';

/**
 * TPU-MLIR's choice of samples from a folder (calibration.md 3.1): files that are samples, sorted by path in code-point
 * order, shuffled with seed 1684, the first `inputNum` (0, or more than there are: all). A smaller choice is a prefix of
 * a larger one.
 */
export function selectFiles(paths: readonly string[], inputNum: number, where: string): string[] {
  const samples = paths.filter((path) => kindOf(path) !== undefined).sort(compareCodePoints);
  if (samples.length === 0) {
    throw new QError(`There are no samples in ${where}.`, {
      code: 'dataset.empty',
      where,
      found: `${paths.length} files, none of them a sample`,
      expected: 'at least one .jpg, .jpeg, .jfif, .png, .bmp, .npz or .npy file',
    });
  }
  const shuffled = shuffleLikePython(samples, SAMPLE_SEED);
  return inputNum > 0 ? shuffled.slice(0, inputNum) : shuffled;
}

/** JavaScript compares UTF-16 units, which puts U+FFxx after the supplementary planes; Python compares code points. */
function compareCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so they rank above every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
