/** Throws unless two values print the same. @param {string} what @param {unknown} found @param {unknown} wanted */
export function same(what, found, wanted) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: found ${a}, expected ${b}`);
}
