import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { objectsPreprocess, qBin, testModel } from './q-process.ts';

it('Ctrl-C ends a run with status 130 and leaves nothing half-written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'q-interrupt-'));
  try {
    const child = spawn(
      process.execPath,
      [
        qBin,
        'quantize',
        testModel('objects-cnn/objects-cnn.onnx'),
        '--dataset',
        testModel('objects-cnn/calibration.zip'),
        '-o',
        'out',
        ...objectsPreprocess,
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let stderr = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      // The first line of progress: the run is in the middle of its work.
      if (stderr === '') child.kill('SIGINT');
      stderr += text;
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect(stderr).toContain('interrupted');
    expect(status).toBe(130);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
