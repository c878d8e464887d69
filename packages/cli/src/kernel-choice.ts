import { QError } from '@q/ir';

/** What `Q_KERNELS` may say, and which kernels that is; cli README, section Kernels. */
const choices = {
  default: {},
  winograd: { winograd: true },
  fast: { binary: 'fast' },
} as const;

/**
 * Makes every session of this process, and of its workers, take the kernels that the environment asks for.
 *
 * @throws QError `cli.bad-flag-value` for an unknown word.
 */
export async function chooseKernels(word: string | undefined): Promise<void> {
  if (word === undefined || word === '') return;
  if (!isChoice(word)) {
    throw new QError(`Q_KERNELS is "${word}"; there are no such kernels`, {
      code: 'cli.bad-flag-value',
      where: 'Q_KERNELS',
      found: word,
      expected: Object.keys(choices).join(', '),
    });
  }
  const { preferKernels } = await import('@q/runtime');
  preferKernels(choices[word]);
}

function isChoice(word: string): word is keyof typeof choices {
  return Object.hasOwn(choices, word);
}
