/** Parameter types of the exported functions of a WebAssembly binary without imports, by name: 'iif'. */
export function signaturesOf(bytes: Uint8Array): Record<string, string>;
