import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command as npm links it. */
export const qBin: string = fileURLToPath(new URL('../bin/q.mjs', import.meta.url));
const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** A file of the test models that the repository ships. */
export function testModel(path: string): string {
  return `${repository}test-models/${path}`;
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `q` as a user does, in `cwd`, with reproducible times. */
export function q(cwd: string, ...words: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [qBin, ...words], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000', Q_DEBUG: '' },
    timeout: 100_000,
  });
  return { status, stdout, stderr };
}

/** Flags that objects-cnn needs, whatever the command. */
export const objectsPreprocess = [
  '--pixel_format',
  'rgb',
  '--mean',
  '127.5,127.5,127.5',
  '--scale',
  '0.0078431,0.0078431,0.0078431',
] as const;
