/** Fields of one CSV line (RFC 4180: fields may be quoted, a quote inside a quoted field is doubled). */
export function parseCsvLine(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const quoted = line[at] === '"';
    const end = quoted ? closingQuote(line, at) : line.indexOf(',', at);
    const stop = end === -1 ? line.length : end;
    fields.push(quoted ? line.slice(at + 1, stop).replaceAll('""', '"') : line.slice(at, stop).trim());
    const comma = quoted ? line.indexOf(',', stop) : end;
    if (comma === -1) return fields;
    at = comma + 1;
  }
}

function closingQuote(line: string, open: number): number {
  for (let at = open + 1; ; at += 2) {
    at = line.indexOf('"', at);
    if (at === -1 || line[at + 1] !== '"') return at;
  }
}
