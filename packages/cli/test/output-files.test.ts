import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFilesWhole, writeFileWhole } from '../src/files/output-files.ts';
import { generationTime } from '../src/generation-time.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-output-'));
});
afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true, force: true });
});

describe('output files', () => {
  it('make missing folders and leave nothing temporary', () => {
    writeFileWhole(join(folder, 'a/b/table'), 'text');
    expect(readFileSync(join(folder, 'a/b/table'), 'utf8')).toBe('text');
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['table']);
  });

  it('write all or none: a target that cannot be written leaves the others untouched', () => {
    writeFileSync(join(folder, 'first'), 'old');
    mkdirSync(join(folder, 'second'));
    expect(() =>
      writeFilesWhole([
        { path: join(folder, 'first'), bytes: 'new' },
        { path: join(folder, 'second'), bytes: 'new' },
      ]),
    ).toThrow(/is a folder/);
    expect(readFileSync(join(folder, 'first'), 'utf8')).toBe('old');
    expect(readdirSync(folder).sort()).toEqual(['first', 'second']);
  });

  it('report a path that runs through a file', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => writeFileWhole(join(folder, 'file/table'), 'x')).toThrow(/cannot write/);
    expect(existsSync(join(folder, 'file/table'))).toBe(false);
  });
});

describe('generation time', () => {
  it('comes from SOURCE_DATE_EPOCH when that is set', () => {
    expect(generationTime({ SOURCE_DATE_EPOCH: '1681818480' })).toBe('2023-04-18 11:48:00.000000');
  });

  it('has microseconds like the original otherwise', () => {
    expect(generationTime({}, new Date(2023, 3, 18, 11, 48, 0, 988))).toBe('2023-04-18 11:48:00.988000');
  });
});
