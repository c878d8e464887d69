import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateNetwork } from '../generate/src/generate-network.mjs';
import { openNetwork, readLarge } from './models.mjs';

/** Generated files of earlier runs: making one takes seconds to a minute. Delete the folder when the generator changes. */
const folder = join(tmpdir(), 'q-generated-networks');

/**
 * A full-size network of `tools/generate`, as `openModel` answers its models. The file is kept for the next run.
 *
 * @param {string} name
 */
export async function openGenerated(name) {
  const file = join(folder, `${name}.onnx`);
  if (!existsSync(file)) {
    process.stderr.write(`generating ${name} into ${folder}\n`);
    const bytes = await generateNetwork(name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, bytes);
    renameSync(`${file}.${process.pid}`, file);
  }
  return openNetwork(name, readLarge(file));
}
