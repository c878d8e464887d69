/** @typedef {import('./test-tally.ts').Tally} Tally */

const rule = '─'.repeat(80);

/**
 * What a run of several packages' tests came to: a table, the skipped, the failed, and one closing line of counts.
 * A package without a tally did not get as far as reporting, which counts as one failure.
 * @param {{ packages: readonly string[], tallies: readonly Tally[], status: number, notes?: readonly string[] }} run
 *   `status`: exit status of the whole run; `notes`: further things that could not be tried
 * @returns {{ lines: string[], closing: string, failed: number }}
 */
export function summarize({ packages, tallies, status, notes = [] }) {
  const rows = packages.map((name) => tallies.find((tally) => tally.package === name) ?? withoutReport(name));
  const failures = rows.flatMap((row) => row.failedTests.map((test) => `${row.package}: ${test}`));
  const passed = sum(rows.map((row) => row.passed));
  const skipped = sum(rows.map((row) => row.skipped));
  let failed = sum(rows.map((row) => row.failed));
  if (status !== 0 && failed === 0) {
    failed = 1;
    failures.push(`the run ended with status ${status} without a failing test: see above`);
  }
  const lines = [
    rule,
    ...rows.map((row) => {
      const counts = `${row.passed} passed, ${row.failed} failed, ${row.skipped} skipped`;
      return `${row.failed > 0 ? '✗' : '✓'} ${row.package.padEnd(24)} ${counts}`;
    }),
    ...block('SKIPPED', '○', [...notes, ...rows.flatMap(skippedLines)]),
    ...block('FAILED', '✗', failures),
    rule,
  ];
  return { lines, closing: `${passed} passed, ${failed} failed, ${skipped} skipped`, failed };
}

/** @param {string} name @returns {Tally} */
function withoutReport(name) {
  return {
    package: name,
    passed: 0,
    failed: 1,
    skipped: 0,
    skippedTests: [],
    failedTests: ['its tests, or the build they need, did not run to the end: see above'],
    warnings: [],
  };
}

/** A file that skips more tests than this for one reason gets one line for all of them. */
const listed = 5;

/**
 * What was not tested is said as loudly as what failed: a green run without it proves less.
 * @param {Tally} tally
 */
function skippedLines(tally) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const { test, note } of tally.skippedTests) {
    const reason = `${test.split(' > ')[0]}\n${note ? ` (${note})` : ''}`;
    groups.set(reason, [...(groups.get(reason) ?? []), test]);
  }
  const tests = [...groups].flatMap(([reason, names]) => {
    const [file, note] = reason.split('\n');
    if (names.length <= listed) return names.map((name) => name + note);
    return [`${file}: ${names.length} tests, the first of them "${names[0]?.slice(`${file} > `.length)}"${note}`];
  });
  return [...tally.warnings, ...tests].map((line) => `${tally.package}: ${line}`);
}

/** @param {string} title @param {string} sign @param {readonly string[]} lines */
function block(title, sign, lines) {
  return lines.length === 0 ? [] : [rule, title, ...lines.map((line) => `  ${sign} ${line}`)];
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
