// Regenerates the protobuf code of src/onnx and src/caffe: static code, no reflection and no eval at run time.
// usage: node scripts/generate-protobuf.mjs [onnx|caffe]
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const path = (relative) => fileURLToPath(new URL(relative, root));
const pbjs = createRequire(import.meta.url).resolve('protobufjs-cli/bin/pbjs');
const wanted = process.argv.slice(2);

for (const name of wanted.length > 0 ? wanted : ['onnx', 'caffe']) {
  const code = execFileSync(
    process.execPath,
    [
      pbjs,
      ...['--target', 'static-module', '--wrap', 'esm', '--es6', '--dependency', 'protobufjs/minimal.js'],
      ...['--root', `q-${name}`, '--no-verify', '--no-convert', '--no-delimited', '--no-typeurl', '--no-comments'],
      path(`src/${name}/${name}.proto`),
    ],
    { encoding: 'utf8' },
  );
  const header = `// @ts-nocheck: generated from ../${name}.proto by scripts/generate-protobuf.mjs, typed in ../wire.ts. Do not edit.\n`;
  const target = path(`src/${name}/generated/${name}.ts`);
  writeFileSync(target, header + code);
  console.log(`${target}: ${readFileSync(target).length} bytes`);
}
