import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, objectsPreprocess, q, testModel } from './q-process.ts';

const model = testModel('objects-cnn/objects-cnn.onnx');
const images = testModel('objects-cnn/calibration.zip');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-bad-input-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** One clear message, the given exit status, no stack trace, and nothing in the output folder. */
function expectRefusal(outcome: Outcome, status: number, ...facts: (string | RegExp)[]): void {
  expect(outcome.status, outcome.stderr).toBe(status);
  for (const fact of facts) expect(outcome.stderr).toMatch(fact);
  expect(outcome.stderr).not.toMatch(/^\s+at .*\d+:\d+\)?$/m);
  expect(outcome.stderr).not.toContain('internal error');
  expect(readdirSync(folder).filter((name) => name.startsWith('out') || name.endsWith('.tmp'))).toEqual([]);
}

function quantizing(file: string, ...more: string[]): Outcome {
  return q(
    folder,
    'quantize',
    file,
    '--dataset',
    images,
    '--input_num',
    '2',
    '-o',
    'out',
    ...objectsPreprocess,
    ...more,
  );
}

describe('bad models', () => {
  it('a truncated ONNX file', () => {
    const bytes = readFileSync(model);
    writeFileSync(join(folder, 'cut.onnx'), bytes.subarray(0, bytes.length >> 1));
    expectRefusal(quantizing('cut.onnx'), 1, /cut\.onnx/, /\[onnx\.corrupt\]/);
  });

  it('a file that is no ONNX model at all', () => {
    writeFileSync(join(folder, 'text.onnx'), 'this is not a model');
    expectRefusal(quantizing('text.onnx'), 1, /text\.onnx/, /\[onnx\.corrupt\]/);
  });

  it('operators that nobody knows: all of them at once', () => {
    // Same length, so the protobuf around the names stays valid.
    const text = readFileSync(model)
      .toString('latin1')
      .replaceAll('\x22\x07MaxPool', '\x22\x07MaxPuul')
      .replaceAll('\x22\x04Gemm', '\x22\x04Gimm');
    writeFileSync(join(folder, 'odd.onnx'), Buffer.from(text, 'latin1'));
    expectRefusal(quantizing('odd.onnx'), 1, /MaxPuul/, /Gimm/, /onnx\.unsupported-operator/);
  });

  it('an input shape that does not fit', () => {
    expectRefusal(quantizing(model, '--input_shapes', '[[1,3,64]]'), 1, /onnx\.input-shape/, /64/);
    expectRefusal(quantizing(model, '--input_shapes', '[[1,4,64,64]]'), 1, /shape/);
  });

  it('a cut at an output that does not exist, with the nearest name', () => {
    expectRefusal(quantizing(model, '--output_names', 'logit'), 1, /onnx\.unknown-output/, /logits/);
  });

  it('a missing file, with the nearest one', () => {
    writeFileSync(join(folder, 'objects.onnx'), '');
    expectRefusal(quantizing('object.onnx'), 1, /object\.onnx does not exist/, /did you mean objects\.onnx\?/);
  });

  it('a kind of file that cannot be read', () => {
    writeFileSync(join(folder, 'net.pt'), '');
    expectRefusal(quantizing('net.pt'), 1, /net\.pt/, /expected: \.onnx/);
  });

  it('a .mlir without its weights', () => {
    writeFileSync(join(folder, 'net.mlir'), 'module @net attributes {module.weight_file = "net_weights.npz"} {\n}\n');
    expectRefusal(quantizing('net.mlir'), 1, /net_weights\.npz/, /mlir\.missing-weights/);
  });
});

describe('bad samples', () => {
  it('an empty folder', () => {
    mkdirSync(join(folder, 'empty'));
    const outcome = q(folder, 'quantize', model, '--dataset', 'empty', '-o', 'out');
    expectRefusal(outcome, 1, /empty/, /\[dataset\.empty\]/);
  });

  it('an image that does not decode, by its name', () => {
    mkdirSync(join(folder, 'images'));
    writeFileSync(join(folder, 'images', 'broken.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 1, 2, 3]));
    const outcome = q(folder, 'quantize', model, '--dataset', 'images', '-o', 'out');
    expectRefusal(outcome, 1, /broken\.jpg/, /\[dataset\.image\]/);
  });

  it('a data set that is neither folder nor archive', () => {
    writeFileSync(join(folder, 'images.txt'), 'a.jpg\n');
    expectRefusal(q(folder, 'quantize', model, '--dataset', 'images.txt', '-o', 'out'), 1, /--data_list/);
  });

  it('a zip archive that is none', () => {
    writeFileSync(join(folder, 'images.zip'), 'PK but not really');
    expectRefusal(
      q(folder, 'quantize', model, '--dataset', 'images.zip', '-o', 'out'),
      1,
      /images\.zip is not a zip archive/,
      /\[zip\.magic\]/,
    );
  });

  it('labels of another data set', () => {
    writeFileSync(join(folder, 'labels.csv'), 'file,class_index\nother.jpg,3\n');
    expectRefusal(quantizing(model, '--labels', 'labels.csv'), 1, /no label for 2 of 2 samples/);
  });
});

describe('bad flags', () => {
  it('an unknown one, with the nearest', () => {
    expectRefusal(quantizing(model, '--inputnum', '3'), 2, /did you mean --input_num\?/, /usage: q quantize/);
  });

  it('values that are out of range or unknown', () => {
    expectRefusal(quantizing(model, '--processor', 'bm1648x'), 1, /did you mean bm1684x\?/);
    expectRefusal(quantizing(model, '--cali_method', 'use_mes'), 1, /did you mean use_mse\?/);
    expectRefusal(quantizing(model, '--histogram_bin_num', '-5'), 1, /--histogram_bin_num is -5/);
    expectRefusal(quantizing(model, '--pixel_format', 'cmyk'), 2, /invalid choice/);
    expectRefusal(quantizing(model, '--mean', '1,2'), 1, /--mean is 1,2/);
  });

  it('an unknown command, with the nearest', () => {
    expectRefusal(q(folder, 'quantise'), 2, /did you mean quantize\?/);
  });

  it('flags of the original that this version cannot honour are refused, not ignored', () => {
    expectRefusal(
      q(folder, 'model_deploy', '--mlir', 'net.mlir', '--processor', 'bm1684x', '--do_winograd', '--model', 'out'),
      1,
      /--do_winograd/,
      /not in this version/,
    );
  });
});

describe('help', () => {
  it('lists commands, flags and exit statuses', () => {
    const general = q(folder, '--help');
    expect(general.status).toBe(0);
    expect(general.stdout).toMatch(/model_transform[\s\S]*run_calibration[\s\S]*exit status: 0 done/);
    for (const command of ['quantize', 'model_transform', 'run_calibration', 'model_deploy', 'fp_forward']) {
      const help = q(folder, command, '--help');
      expect(help.status, command).toBe(0);
      expect(help.stdout).toMatch(new RegExp(`^usage: q ${command}`));
    }
  });

  it('works under the names of the original scripts', () => {
    expect(q(folder, 'run_calibration.py', '--help').stdout).toMatch(/usage: q run_calibration/);
  });
});
