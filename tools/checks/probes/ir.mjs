import { parseCalibrationTable, parseMlir, printCalibrationTable, printMlir, readNpz, writeNpz } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { same } from './expect.mjs';
import { tinyNetwork } from './tiny-network.mjs';

export default async function probe() {
  const graph = tinyNetwork();
  const { text, weights } = printMlir(graph, { weightFile: 'tiny_top_f32_all_weight.npz' });
  const again = parseMlir(text, readNpz(writeNpz(weights)));
  same(
    'operators after a round trip',
    again.ops.map(({ name }) => name),
    ['x', 'conv', 'relu'],
  );

  const table = '# a table\nx 1.0000000 -1.0000000 0.5000000\n';
  const rows = parseCalibrationTable(printCalibrationTable(parseCalibrationTable(table))).rows;
  same('a row of a table', rows.get('x'), { threshold: 1, min: -1, max: 0.5 });

  let code = '';
  try {
    importOnnx(Uint8Array.of(1, 2, 3), { name: 'broken' });
  } catch (error) {
    code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  if (!code.startsWith('onnx.')) throw new Error(`a broken ONNX file gave "${code}"`);
}
