/**
 * Groups of files that need each other at load time (strongly connected components of two or more, or a file that
 * imports itself), by Tarjan's algorithm. Imports of types alone leave no trace at run time and do not count.
 * @param {ReadonlyMap<string, readonly string[]>} graph file → files it imports
 * @returns {string[][]} each group sorted, the groups sorted by their first file
 */
export function findCycles(graph) {
  /** @type {Map<string, { index: number, low: number, open: boolean }>} */
  const seen = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[][]} */
  const groups = [];

  /** @param {string} file */
  const visit = (file) => {
    const mark = { index: seen.size, low: seen.size, open: true };
    seen.set(file, mark);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      const known = seen.get(next) ?? visit(next);
      if (known.open) mark.low = Math.min(mark.low, known.low);
    }
    if (mark.low === mark.index) closeGroup(file);
    return mark;
  };

  /** @param {string} first */
  const closeGroup = (first) => {
    const group = stack.splice(stack.indexOf(first));
    for (const file of group) {
      const mark = seen.get(file);
      if (mark) mark.open = false;
    }
    if (group.length > 1 || graph.get(first)?.includes(first)) groups.push(group.sort());
  };

  for (const file of graph.keys()) if (!seen.has(file)) visit(file);
  return groups.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
}
