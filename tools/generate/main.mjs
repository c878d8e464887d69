// Makes full-size networks: `node tools/generate/main.mjs mobilenetv2 resnet18 --out FOLDER`. The packages must be built.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generateNetwork } from './src/generate-network.mjs';
import { networks } from './src/networks.mjs';

const usage = `usage: node tools/generate/main.mjs NAME... --out FOLDER\nnames: ${Object.keys(networks).join(', ')}, or all`;
const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true });
const names = positionals.includes('all') ? Object.keys(networks) : positionals;
const unknown = names.filter((name) => !Object.hasOwn(networks, name));
if (names.length === 0 || values.out === undefined || unknown.length > 0) {
  console.error(unknown.length > 0 ? `no network ${unknown.join(', ')}\n${usage}` : usage);
  process.exit(2);
}
mkdirSync(values.out, { recursive: true });
for (const name of names) {
  const file = join(values.out, `${name}.onnx`);
  const bytes = await generateNetwork(name);
  writeFileSync(`${file}.tmp`, bytes);
  renameSync(`${file}.tmp`, file);
  console.log(`${file}: ${(bytes.length / 1e6).toFixed(1)} MB`);
}
