import { dequantize, type Graph, type Tensor, type TypedArray, typeOf } from '@q/ir';
import { createSession } from '@q/runtime';

/**
 * Every tensor of one run, by layer name and as real numbers: what `--test_result` and `--dump_all_tensors` mean. The
 * data of quantized layers are dequantized.
 */
export async function runAllLayers(
  graph: Graph,
  feeds: ReadonlyMap<string, Float32Array>,
): Promise<Map<string, Tensor>> {
  const session = await createSession(graph, { retain: 'all' });
  try {
    session.run(feeds);
    return new Map(
      [...graph.values.keys()].map((name) => {
        const type = typeOf(graph, name)!;
        return [name, { shape: type.shape, dtype: 'f32', data: dequantize(session.read(name) as TypedArray, type) }];
      }),
    );
  } finally {
    session.dispose();
  }
}
