// The checks that only read the tree, held against this workspace; `npm run check` runs the slower ones too.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fastChecks } from '../src/all-checks.mjs';
import { Tarballs } from '../src/pack.mjs';
import { formatProblem } from '../src/problem.mjs';

const root = join(fileURLToPath(import.meta.url), '..', '..', '..', '..');

test.each(fastChecks)('$name: $proves', async ({ run }) => {
  const tarballs = new Tarballs(root);
  const problems = await run({ root, update: false, log: () => {}, tarballs });
  tarballs.dispose();
  expect(problems.map(formatProblem).join('\n')).toBe('');
});
