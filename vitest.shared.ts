import { defineConfig } from 'vitest/config';

// Tests run against the packages' sources: the `@q/source` export condition of every workspace package points at `src`.
const conditions = ['@q/source', 'module', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, passWithNoTests: false },
});
