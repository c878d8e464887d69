import { elementCount } from '../../dtype.ts';
import { stringAttribute } from '../onnx-graph.ts';
import { type Expander, type Expansion, notExpanded } from './expansion.ts';

/** A tensor whose dimensions have labels; letters of an ellipsis are numbers in angle brackets. */
interface Labelled {
  readonly tensor: string;
  readonly labels: readonly string[];
}

interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/** Labels of one term; an ellipsis of `rank` dimensions becomes as many labels, right-aligned. */
function termLabels(term: string, ellipsisRank: number): string[] {
  const ellipsis = Array.from({ length: ellipsisRank }, (_, index) => `<${ellipsisRank - index}>`);
  const at = term.indexOf('...');
  if (at < 0) return [...term];
  return [...term.slice(0, at), ...ellipsis, ...term.slice(at + 3)];
}

function parse(equation: string, ranks: readonly number[]): Equation {
  const [left, right] = equation.replaceAll(/\s/g, '').split('->') as [string, string | undefined];
  const terms = left.split(',');
  const spare = (term: string, rank: number) => (term.includes('...') ? rank - term.replace('...', '').length : 0);
  const operands = terms.map((term, index) => termLabels(term, spare(term, ranks[index]!)));
  const widest = Math.max(0, ...terms.map((term, index) => spare(term, ranks[index]!)));
  if (right !== undefined) return { operands, result: termLabels(right, widest) };
  // Without "->": the ellipsis, then every label that occurs once, in alphabetical order.
  const all = operands.flat();
  const once = [...new Set(all)].filter(
    (label) => !label.startsWith('<') && all.filter((other) => other === label).length === 1,
  );
  const ellipsis = left.includes('...') ? termLabels('...', widest) : [];
  return { operands, result: [...ellipsis, ...once.sort()] };
}

class Contraction {
  private readonly to: Expansion;
  private readonly lengths = new Map<string, number>();

  constructor(to: Expansion, operands: readonly Labelled[]) {
    this.to = to;
    for (const { tensor, labels } of operands) {
      to.shape(tensor).forEach((dim, axis) => {
        const label = labels[axis]!;
        this.lengths.set(label, Math.max(dim, this.lengths.get(label) ?? 1));
      });
    }
  }

  private length(label: string): number {
    return this.lengths.get(label)!;
  }

  /** A label that occurs twice takes the diagonal: everything else is masked and summed away. */
  diagonal({ tensor, labels }: Labelled): Labelled {
    const second = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
    if (second < 0) return { tensor, labels };
    const [first, size] = [labels.indexOf(labels[second]!), this.length(labels[second]!)];
    const shape = labels.map((_, axis) => (axis === first || axis === second ? size : 1));
    const eye = Float32Array.from({ length: size * size }, (_, index) => (index % (size + 1) === 0 ? 1 : 0));
    const masked = this.to.add('Mul', [tensor, this.to.floats([...eye], shape)]);
    const summed = this.to.reduce('ReduceSum', masked, [second], false);
    return this.diagonal({ tensor: summed, labels: labels.filter((_, axis) => axis !== second) });
  }

  /** Sums over the labels that nobody needs any more. */
  private reduced(operand: Labelled, needed: ReadonlySet<string>): Labelled {
    const axes = operand.labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
    if (axes.length === 0) return operand;
    const tensor = this.to.reduce('ReduceSum', operand.tensor, axes, false);
    return { tensor, labels: operand.labels.filter((label) => needed.has(label)) };
  }

  private ordered({ tensor, labels }: Labelled, order: readonly string[]): string {
    return this.to.transpose(
      tensor,
      order.map((label) => labels.indexOf(label)),
    );
  }

  /** Grouped as three dimensions; labels that the operand has with length 1 only are repeated. */
  private grouped(operand: Labelled, shapes: readonly (readonly string[])[]): string {
    const order = shapes.flat();
    const full = order.map((label) => this.length(label));
    const moved = this.ordered(operand, order);
    // Shapes of intermediate values follow from the labels: broadcasting dimensions are made explicit.
    const wide = order.some((label) => label.startsWith('<')) ? this.to.expand(moved, full) : moved;
    return this.to.reshape(
      wide,
      shapes.map((group) => elementCount(group.map((label) => this.length(label)))),
    );
  }

  /** Batched matrix product of two operands; `needed` are the labels that the result keeps. */
  pair(left: Labelled, right: Labelled, needed: ReadonlySet<string>): Labelled {
    const a = this.reduced(left, new Set([...needed, ...right.labels]));
    const b = this.reduced(right, new Set([...needed, ...left.labels]));
    const shared = a.labels.filter((label) => b.labels.includes(label));
    const batch = shared.filter((label) => needed.has(label));
    const inner = shared.filter((label) => !needed.has(label));
    const rows = a.labels.filter((label) => !shared.includes(label));
    const columns = b.labels.filter((label) => !shared.includes(label));
    const product = this.to.add('MatMul', [
      this.grouped(a, [batch, rows, inner]),
      this.grouped(b, [batch, inner, columns]),
    ]);
    const labels = [...batch, ...rows, ...columns];
    const shape = labels.map((label) => this.length(label));
    return { tensor: this.to.reshape(product, shape), labels };
  }

  finish(operand: Labelled, result: readonly string[]): void {
    const { tensor, labels } = this.reduced(operand, new Set(result));
    const order = result.map((label) => labels.indexOf(label));
    if (order.length < 2) this.to.finish('Reshape', [tensor, this.to.ints(result.map((label) => this.length(label)))]);
    else this.to.finish('Transpose', [tensor], { perm: { kind: 'ints', value: order.map(BigInt) } });
  }
}

/** Einsum as transpositions, sums and batched matrix products, two operands at a time from the left. */
export const einsum: Expander = (node, to) => {
  const equation = stringAttribute(node, 'equation', '');
  const ranks = node.inputs.map((input) => to.shape(input).length);
  const { operands, result } = parse(equation, ranks);
  if (operands.length !== node.inputs.length || operands.some((labels, index) => labels.length !== ranks[index])) {
    throw notExpanded(node, equation, 'one term per operand, one label per dimension');
  }
  const given = operands.map((labels, index) => ({ tensor: node.inputs[index]!, labels }));
  const contraction = new Contraction(to, given);
  const [first, ...rest] = given.map((operand) => contraction.diagonal(operand));
  let joined = first!;
  rest.forEach((operand, index) => {
    const later = rest.slice(index + 1).flatMap(({ labels }) => labels);
    joined = contraction.pair(joined, operand, new Set([...result, ...later]));
  });
  contraction.finish(joined, result);
};
