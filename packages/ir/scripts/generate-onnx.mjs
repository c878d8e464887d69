// Regenerates src/onnx/generated/onnx.ts from src/onnx/onnx.proto: static code, no reflection and no eval at run time.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const path = (relative) => fileURLToPath(new URL(relative, root));
const pbjs = createRequire(import.meta.url).resolve('protobufjs-cli/bin/pbjs');
const code = execFileSync(
  process.execPath,
  [
    pbjs,
    ...['--target', 'static-module', '--wrap', 'esm', '--es6', '--dependency', 'protobufjs/minimal.js', '--root', 'q-onnx'],
    ...['--no-verify', '--no-convert', '--no-delimited', '--no-typeurl', '--no-comments'],
    path('src/onnx/onnx.proto'),
  ],
  { encoding: 'utf8' },
);
const header = '// @ts-nocheck: generated from ../onnx.proto by scripts/generate-onnx.mjs, typed in ../wire.ts. Do not edit.\n';
writeFileSync(path('src/onnx/generated/onnx.ts'), header + code);
console.log(`src/onnx/generated/onnx.ts: ${readFileSync(path('src/onnx/generated/onnx.ts')).length} bytes`);
