import { defineConfig } from 'vitest/config';
import { TallyReporter } from './tools/test-tally.ts';

// Tests run against the packages' sources: the `@q/source` export condition of every workspace package points at `src`.
const conditions = ['@q/source', 'module', 'node', 'import', 'default'];

// tools/test.mjs names a folder for the counts of each package; a run by hand prints them only.
const tallyDir = process.env.Q_TEST_TALLY;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    reporters: tallyDir ? ['default', new TallyReporter(tallyDir)] : ['default'],
  },
});
