import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printMlir } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { expect } from 'vitest';
import { root, testInPage, textOfPage } from './page-script.ts';

const model = join(root, 'test-models/objects-cnn/objects-cnn.onnx');
/** Nothing but scripts of the page's own origin: no `eval`, no `Function`, no WebAssembly. */
const policy = "default-src 'none'; script-src 'self'";
const inPage = testInPage('import is not tried in a page');

inPage('an ONNX model imports in a page without eval as it does in Node', async () => {
  const text = await textOfPage({
    imports: `
import { printMlir } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import model from ${JSON.stringify(model)};`,
    body: `
let evalWorks = true;
try { (0, eval)('1'); } catch { evalWorks = false; }
if (evalWorks) throw new Error('the policy is not in force');
return printMlir(importOnnx(model, { name: 'objects_cnn' }), { weightFile: 'w.npz' }).text;`,
    binaries: [],
    policy,
  });
  expect(text).toBe(printMlir(importOnnx(readFileSync(model), { name: 'objects_cnn' }), { weightFile: 'w.npz' }).text);
});
