import type { Graph, OpAttributes, OpOf } from '@q/ir';

export type InputAttributes = Partial<OpAttributes['top.Input']>;

/** A graph that has inputs and nothing else: all that a dataset looks at. */
export function inputGraph(
  inputs: Readonly<Record<string, { shape: readonly number[]; attributes?: InputAttributes }>>,
): Graph {
  const ops = Object.entries(inputs).map(
    ([name, { attributes }]): OpOf<'top.Input'> => ({
      type: 'top.Input',
      name,
      inputs: [],
      outputs: [name],
      attributes: { doPreprocess: attributes !== undefined, ...attributes },
    }),
  );
  return {
    name: 'net',
    state: 'TOP_F32',
    chip: 'ALL',
    platform: 'ONNX',
    ops,
    values: new Map(Object.entries(inputs).map(([name, { shape }]) => [name, { shape, dtype: 'f32' as const }])),
    weights: new Map(),
    outputs: [],
    tensorNames: new Map(),
    moduleAttributes: {},
  };
}
