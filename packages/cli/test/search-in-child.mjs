// Searches objects-cnn on a journal and prints what it found; for tests that kill it. usage: search-in-child.mjs JOURNAL
import { readFileSync } from 'node:fs';
import { bm168x } from '@q/backend-bm1684x';
import { parseCalibrationTable } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { runSensitiveLayer } from '@q/search';
import { openSearchJournal } from '../dist/files/search-journal-file.js';

const file = (path) => readFileSync(new URL(`../../../test-models/objects-cnn/${path}`, import.meta.url));
const graph = importOnnx(file('objects-cnn.onnx'), { name: 'objects-cnn' });
const { rows } = parseCalibrationTable(file('tpu-mlir-1.17/kl_tune5_cali_table').toString());
const input = graph.ops[0].name;
const size = graph.values.get(input).shape.reduce((a, b) => a * b, 1);
const journal = openSearchJournal(process.argv[2]);
const scaled = (method, factor) => ({
  method,
  thresholds: new Map([...rows].map(([layer, { threshold }]) => [layer, threshold * factor])),
});
const {
  cost: _,
  plan,
  ...outcome
} = await runSensitiveLayer({
  target: bm168x,
  processor: 'bm1684',
  graph,
  values: rows,
  methods: [scaled('KL', 1), scaled('MAX', 1.3)],
  samples: {
    length: 3,
    sample: (index) => new Map([[input, Float32Array.from({ length: size }, (_, i) => Math.sin(i * (index + 1.7)))]]),
  },
  expectedCos: 2,
  journal: {
    lines: journal.lines,
    append(lines) {
      journal.append(lines);
      process.stdout.write('recorded\n');
    },
  },
});
console.log(JSON.stringify({ ...outcome, values: [...plan.values], ops: [...plan.ops] }));
