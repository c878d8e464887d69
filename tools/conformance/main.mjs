// Runs ONNX operator cases: `node tools/conformance/main.mjs DIR [--verbose]`. The packages must be built.
import { existsSync, statSync } from 'node:fs';
import { importOnnx, inspectOnnx, readTensorProto } from '../../packages/ir/dist/onnx/index.js';
import { loadKernels } from '../../packages/kernels-wasm/dist/index.js';
import { createSession } from '../../packages/runtime/dist/index.js';
import { runDirectory } from './run-directory.mjs';

const [directory, ...flags] = process.argv.slice(2);
if (directory === undefined || !existsSync(directory) || !statSync(directory).isDirectory()) {
  console.error('usage: npm run conformance -- DIR   (a folder of case folders, each with a model.onnx)');
  process.exit(2);
}
const kernels = await loadKernels();
const environment = { importOnnx, inspectOnnx, readTensorProto, createSession, kernels };
const { passed, failed, outOfScope } = await runDirectory(directory, environment);

/** Cases by reason, the most frequent first. */
function print(title, cases) {
  console.log(`\n${title}: ${cases.length}`);
  const groups = grouped(cases);
  for (const [reason, list] of [...groups].sort(([, a], [, b]) => b.length - a.length)) {
    console.log(`  ${String(list.length).padStart(4)}  ${reason}`);
    console.log(`        ${list.map(({ name }) => name).join(' ')}`);
  }
}

function grouped(cases) {
  const groups = new Map();
  for (const one of cases) groups.set(groupOf(one), [...(groups.get(groupOf(one)) ?? []), one]);
  return groups;
}

/** Reasons without the numbers and names that differ from case to case. */
function groupOf({ reason }) {
  return flags.includes('--verbose')
    ? reason
    : reason.replace(/^[^:]*: \d+ of .*elements differ.*/, 'wrong numbers').replace(/^[^:]*: shape .*/, 'wrong shape');
}

print('out of scope', outOfScope);
print('failed', failed);
const counts = { passed: passed.length, failed: failed.length, outOfScope: outOfScope.length };
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.outOfScope} out of scope`);
console.log(JSON.stringify(counts));
process.exit(failed.length === 0 ? 0 : 1);
