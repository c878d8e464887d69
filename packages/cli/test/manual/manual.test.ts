import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../run-here.ts';
import { agrees, masked, type Piece, parseManual, printManual, type Step, shownOf } from './manual-text.ts';
import { fillWorkspace } from './manual-workspace.ts';

const path = fileURLToPath(new URL('../../../../docs/manual.md', import.meta.url));
/** `1` runs the manual and compares; `update` writes what the commands print into it. It takes minutes. */
const mode = process.env.Q_MANUAL;

const USES_WORKERS: ReadonlySet<string> = new Set(['run_calibration', 'run_sensitive_layer']);

/** What a command of the manual prints. */
async function output(step: Step): Promise<string[]> {
  const [program, ...words] = step.command.split(/\s+/);
  if (program === 'cat') return linesOf(readFileSync(words[0]!, 'utf8'));
  if (program === 'head') return linesOf(readFileSync(words[2]!, 'utf8')).slice(0, Number(words[1]));
  if (program !== 'q') throw new Error(`the manual runs ${program}, which this test does not know`);
  // Any number of workers gives the same bytes; one needs no built files.
  const workers = USES_WORKERS.has(words[0]!) ? ['--workers', '1'] : [];
  const { status, stdout, stderr } = await runHere(...words, ...workers);
  expect(status, `${step.command}\n${stderr}`).toBe(0);
  return linesOf(stdout);
}

function linesOf(text: string): string[] {
  const trimmed = text.replace(/\n+$/, '');
  return trimmed === '' ? [] : trimmed.split('\n').map((line) => line.trimEnd());
}

/** Runs the steps; they show what was printed then, or fail. */
async function withOutputs(steps: readonly Step[]): Promise<Step[]> {
  const found: Step[] = [];
  for (const step of steps) {
    const printed = await output(step);
    const isSame = agrees(printed, step.printed);
    if (mode !== 'update' && !isSame) expect(printed.map(masked), step.command).toEqual(step.printed.map(masked));
    found.push(isSame ? step : { ...step, printed: shownOf(printed, step) });
  }
  return found;
}

describe('the text of docs/manual.md', () => {
  it('has the commands of every chapter', () => {
    const steps = parseManual(readFileSync(path, 'utf8')).flatMap((piece) => ('steps' in piece ? piece.steps : []));
    const commands = new Set(steps.map(({ command }) => command.split(' ').slice(0, 2).join(' ')));
    for (const name of [
      'model_transform',
      'run_calibration',
      'run_qtable',
      'run_sensitive_layer',
      'fp_forward',
      'model_deploy',
    ]) {
      expect(commands).toContain(`q ${name}`);
    }
  });

  it('is compared with omissions, times and versions left out', () => {
    expect(agrees(['a', 'b', 'c', 'total time:3.5'], ['a', '...', 'total time:9'])).toBe(true);
    expect(agrees(['a', 'x'], ['a', 'b'])).toBe(false);
    expect(agrees(['a'], ['a', '...', 'a'])).toBe(false);
    expect(masked('TPU-MLIR v1.9 (compatible; q 1.2.3)')).toBe('TPU-MLIR VERSION');
  });
});

describe.skipIf(mode === undefined)('docs/manual.md as printed (Q_MANUAL=1)', () => {
  const home = mkdtempSync(join(tmpdir(), 'q-manual-'));
  const before = process.cwd();
  beforeAll(() => {
    mkdirSync(join(home, 'workspace'));
    fillWorkspace(home);
    process.chdir(join(home, 'workspace'));
    process.env.SOURCE_DATE_EPOCH = '1700000000';
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(home, { recursive: true, force: true });
  });

  it('prints what it shows', { timeout: 3_600_000 }, async () => {
    const updated: Piece[] = [];
    for (const piece of parseManual(readFileSync(path, 'utf8'))) {
      if ('text' in piece) updated.push(piece);
      else updated.push({ steps: await withOutputs(piece.steps) });
    }
    if (mode === 'update') writeFileSync(path, printManual(updated));
  });
});
