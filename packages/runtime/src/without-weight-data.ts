import type { Graph, Weight } from '@q/ir';
import type { WeightStore } from './weight-store.ts';

/** The graph with weights that have the same types, but whose data come from `store` when somebody asks for them. */
export function withoutWeightData(graph: Graph, store: WeightStore): Graph {
  const weights = new Map([...graph.weights].map(([name, weight]) => [name, storedWeight(name, weight, store)]));
  return { ...graph, weights };
}

/** Only name, type and attributes are in reach of the accessor: a reference to the weight would hold its data. */
function storedWeight(name: string, { type, unknownAttributes }: Weight, store: WeightStore): Weight {
  return {
    type,
    ...(unknownAttributes && { unknownAttributes }),
    get data() {
      return store.operand(name)!.data;
    },
  };
}
