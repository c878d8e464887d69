import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { objectsPreprocess, testModel } from '../q-process.ts';
import { type HereOutcome, runHere } from '../run-here.ts';

/** A folder to work in, as commands do that write their logs where they are run. */
export interface Workspace {
  readonly at: (name: string) => string;
  readonly write: (name: string, text: string) => void;
  readonly close: () => void;
}

/** Changes into a new folder; times in files are those of SOURCE_DATE_EPOCH. */
export function openWorkspace(): Workspace {
  const home = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'q-search-'));
  process.chdir(folder);
  process.env.SOURCE_DATE_EPOCH = '1700000000';
  return {
    at: (name) => join(folder, name),
    write: (name, text) => writeFileSync(join(folder, name), text),
    close() {
      process.chdir(home);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A folder with objects-cnn as `net.mlir` and TPU-MLIR's calibration table of it as `table`. */
export async function openObjectsCnn(): Promise<Workspace> {
  const folder = openWorkspace();
  folder.write('table', readFileSync(testModel('objects-cnn/tpu-mlir-1.17/kl_tune5_cali_table'), 'utf8'));
  const { status, stderr } = await run(
    `model_transform --model_name net --model_def ${testModel('objects-cnn/objects-cnn.onnx')} ` +
      `${objectsPreprocess.join(' ')} --mlir net.mlir`,
  );
  expect(status, stderr).toBe(0);
  return folder;
}

/** Runs a command line as the manual prints it: words by blanks, lines joined by backslashes. */
export function run(line: string): Promise<HereOutcome> {
  return runHere(...line.replaceAll(/\\\n/g, ' ').trim().split(/\s+/));
}

/** Text whose only variable parts, the time that was needed and the version, are masked. */
export function steady(text: string): string {
  return text
    .replaceAll(/total time:[\d.e-]+/g, 'total time:T')
    .replaceAll(/run time:[\d.e-]+/g, 'run time:T')
    .replaceAll(/^TPU-MLIR .*$/gm, 'TPU-MLIR VERSION');
}
