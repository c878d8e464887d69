const TYPES = { 127: 'i', 126: 'l', 125: 'f', 124: 'd', 123: 'v' };

/**
 * Parameter types of the exported functions of a WebAssembly binary without imports, by name: 'iif'.
 *
 * @param {Uint8Array} bytes
 * @returns {Record<string, string>}
 */
export function signaturesOf(bytes) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const list = (read) => Array.from({ length: number() }, read);
  const functionType = () => {
    at++;
    const parameters = list(() => TYPES[bytes[at++]]).join('');
    list(() => bytes[at++]);
    return parameters;
  };
  const exported = () => {
    const length = number();
    const name = new TextDecoder().decode(bytes.subarray(at, at + length));
    at += length;
    const kind = bytes[at++];
    return { name, kind, index: number() };
  };
  const readers = { 1: functionType, 3: number, 7: exported };
  const sections = {};
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = number();
    const end = at + size;
    if (readers[id]) sections[id] = list(readers[id]);
    at = end;
  }
  const functions = sections[7].filter(({ kind }) => kind === 0).sort((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(functions.map(({ name, index }) => [name, sections[1][sections[3][index]]]));
}
