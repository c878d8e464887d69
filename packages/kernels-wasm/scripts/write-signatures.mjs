// Writes src/signatures.ts from the built binary: `node scripts/write-signatures.mjs` after exports were added or changed.
import { readFileSync, writeFileSync } from 'node:fs';
import { signaturesOf } from './wasm-signatures.mjs';

const file = (path) => new URL(`../${path}`, import.meta.url);
const rows = Object.entries(signaturesOf(readFileSync(file('wasm/kernels.wasm'))));
writeFileSync(
  file('src/signatures.ts'),
  `/** Parameter types of every exported function: i (32-bit integers and addresses), f (float32), d (float64). Written by scripts/write-signatures.mjs. */
export const signatures: Readonly<Record<string, string>> = {
${rows.map(([name, types]) => `  ${name}: '${types}',`).join('\n')}
};
`,
);
