// The part of cli-progress 3.12 that is used here; the package ships no types.
declare module 'cli-progress' {
  export interface BarOptions {
    stream: NodeJS.WritableStream;
    format: string;
    hideCursor: boolean;
    clearOnComplete: boolean;
    barsize: number;
  }
  export class SingleBar {
    constructor(options: BarOptions);
    start(total: number, value: number, payload: Record<string, string>): void;
    setTotal(total: number): void;
    update(value: number, payload: Record<string, string>): void;
    stop(): void;
  }
}
