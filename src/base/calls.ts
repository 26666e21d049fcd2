/** Calls to another thread or process, which answers them in the order in which they were made. */
export interface Calls<Value> {
  /** Calls without an answer. */
  waiting(): number
  /** It takes no more calls. */
  isOver(): boolean
  /**
   * @param send hands the request over
   * @returns the answer @throws what it was answered with; the error that ended all calls
   */
  ask(send: () => void): Promise<Value>
  /** The oldest call is answered. */
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
  /** All calls fail with this, those to come as well. What ended them first stays. */
  readonly end: (error: Error) => void
}

export function newCalls<Value>(): Calls<Value> {
  const waiting: { resolve: (value: Value) => void; reject: (error: unknown) => void }[] = []
  let over: Error | undefined
  return {
    waiting: () => waiting.length,
    isOver: () => over !== undefined,
    ask: send =>
      new Promise((resolve, reject) => {
        if (over) {
          reject(over)
          return
        }
        waiting.push({ resolve, reject })
        send()
      }),
    resolve: value => waiting.shift()?.resolve(value),
    reject: error => waiting.shift()?.reject(error),
    end: error => {
      over ??= error
      for (const { reject } of waiting.splice(0)) reject(over)
    },
  }
}
