import { expect } from 'vitest';
import { kernelHashes } from './kernel-hashes.ts';
import { kernelBinaries, testInPage, textOfPage, waitingPolicy } from './page-script.ts';

const inPage = testInPage('kernels are not run in a page');

inPage('every kernel leaves the same bytes in a page as in Node', async () => {
  const text = await textOfPage({
    imports: "import { kernelHashes } from './kernel-hashes.ts';",
    body: 'return kernelHashes();',
    binaries: kernelBinaries,
    policy: waitingPolicy,
  });
  expect(text.split('\n')).toEqual((await kernelHashes()).split('\n'));
});
