import { readFileSync } from 'node:fs';
import { allocate, elementCount, type Graph, parseMlir, printMlir, type Tensor, weightFileOf } from '@q/ir';
import { describe, expect, it } from 'vitest';
import { sharedFolder } from '../shared-folder.ts';

/** Arrays of zeros for every `top.Weight` of a module, by the location aliases that name them. */
function zeroWeights(text: string): Map<string, Tensor> {
  const names = new Map(
    [...text.matchAll(/^(#loc\d*) = loc\("([^"]*)"\)/gm)].map(([, alias, name]) => [alias!, name!]),
  );
  const weights = new Map<string, Tensor>();
  for (const [, type, alias] of text.matchAll(/"top.Weight"\(\)[^:]*: \(\) -> tensor<([^>]*)> loc\((#loc\d*)\)/g)) {
    const parts = type!.split('x');
    const shape = parts.slice(0, -1).map(Number);
    const dtype = ({ si8: 'i8', ui8: 'u8', i32: 'i32', f32: 'f32' } as const)[parts.at(-1)!]!;
    weights.set(names.get(alias!)!, { shape, dtype, data: allocate(dtype, elementCount(shape)) });
  }
  return weights;
}

/** The `mlir` code blocks of a specification that hold a whole module. */
function modulesOf(file: string): string[] {
  return (
    [...readFileSync(file, 'utf8').matchAll(/```mlir\n([\s\S]*?)```/g)]
      // Files end with an empty line.
      .map(([, block]) => `${block}\n`)
      .filter((block) => block.includes('module @'))
  );
}

function roundTrip(text: string): { graph: Graph; printed: string } {
  const graph = parseMlir(text, zeroWeights(text));
  return { graph, printed: printMlir(graph, { weightFile: weightFileOf(text)! }).text };
}

/** Without what releases disagree about: line breaks inside the module's attributes. */
const joined = (text: string) => text.replace(/,\n {4}module/g, ', module');

describe('modules of the specification', () => {
  it('the Top module of ir.md 2.8 prints back identically', () => {
    const folder = sharedFolder('spec');
    if (folder === undefined) return;
    const [text] = modulesOf(`${folder}/ir.md`);
    const { graph, printed } = roundTrip(text!);
    expect(graph.ops.map((op) => op.name)).toEqual([
      'image',
      'r1_Relu',
      'p1_MaxPool',
      'c2_Conv',
      'm2_Mul',
      'g1_GlobalAveragePool',
      'f1_Flatten',
      'logits_Gemm',
    ]);
    expect(printed).toBe(text);
  });

  it('the lowered module of numerics.md 14 is read, and printed up to defaults', () => {
    const folder = sharedFolder('spec');
    if (folder === undefined) return;
    const [text] = modulesOf(`${folder}/numerics.md`);
    const { graph, printed } = roundTrip(text!);
    expect(graph.values.get('relu_Relu')).toEqual({
      shape: [1, 1, 4, 4],
      dtype: 'u8',
      quantization: { kind: 'uniform', expressed: 'f32', scale: 0.011764705882352941, zeroPoint: 0 },
    });
    expect(graph.values.get('in')!.quantization).toEqual({ kind: 'calibrated', min: -2, max: 2 });
    // Its top.None is unused, so it is not printed; operators print all defaults; everything else is equal.
    const expected = joined(text!)
      .replace(/ *%0 = "top.None".*\n/, '')
      .replace(/%(\d+)/g, (_, id) => `%${Number(id) - 1}`);
    const skeleton = (line: string) => line.replace(/ \{[^{}]*\} :/, ' :');
    expect(printed.split('\n').map(skeleton)).toEqual(expected.split('\n').map(skeleton));
    expect(roundTrip(printed).printed).toBe(printed);
  });
});
