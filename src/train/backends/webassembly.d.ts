/** What is used of WebAssembly; Node's types leave it to the DOM's. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared?: boolean })
    readonly buffer: ArrayBuffer | SharedArrayBuffer
  }
  const Module: new (bytes: Uint8Array) => object
  class Instance {
    constructor(module: object, imports: { env: { memory: Memory } })
    readonly exports: unknown
  }
}
