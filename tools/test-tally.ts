// A vitest reporter that leaves one small JSON file per package for tools/test.mjs to add up.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

type ConsoleLog = Parameters<NonNullable<Reporter['onUserConsoleLog']>>[0];

/** What one package's run came to. */
export interface Tally {
  readonly package: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** `file > suite > test`, and the reason where the test gave one. */
  readonly skippedTests: readonly { readonly test: string; readonly note: string }[];
  readonly failedTests: readonly string[];
  /** Lines that a test printed about things it skipped. */
  readonly warnings: readonly string[];
}

export class TallyReporter implements Reporter {
  readonly #dir: string;
  readonly #warnings = new Set<string>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  onUserConsoleLog(log: ConsoleLog): void {
    for (const line of log.content.split('\n')) {
      if (log.type === 'stderr' && /\bskip/i.test(line)) this.#warnings.add(line.trim());
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const skippedTests: Tally['skippedTests'][number][] = [];
    const failedTests: string[] = unhandled.map((error) => `outside any test: ${error.message}`);
    let passed = 0;
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      const failedBefore = failedTests.length;
      for (const test of module.children.allTests()) {
        const { state, note } = { note: undefined, ...test.result() };
        if (state === 'passed') passed++;
        else if (state === 'failed') failedTests.push(`${file} > ${test.fullName}`);
        else skippedTests.push({ test: `${file} > ${test.fullName}`, note: note ?? '' });
      }
      // A file that does not load, or a hook that throws, fails without a failing test.
      if (!module.ok() && failedTests.length === failedBefore) failedTests.push(file);
    }
    const tally: Tally = {
      package: JSON.parse(readFileSync('package.json', 'utf8')).name,
      passed,
      failed: failedTests.length,
      skipped: skippedTests.length,
      skippedTests,
      failedTests,
      warnings: [...this.#warnings],
    };
    mkdirSync(this.#dir, { recursive: true });
    writeFileSync(join(this.#dir, `${tally.package.replace('/', '__')}.json`), JSON.stringify(tally, null, 2));
  }
}
