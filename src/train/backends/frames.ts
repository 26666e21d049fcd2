// How the executor and the Python of the backend `torch` talk: see torch/frames.py.

/** Numbers as they travel; "f4", "f8" and "i4" name them in a frame. */
export type FrameArray = Float32Array | Float64Array | Int32Array

export interface Frame {
  readonly head: Readonly<Record<string, unknown>>
  readonly arrays: readonly FrameArray[]
}

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array } as const
const NEWLINE = 10
/** Bytes of a line that is no frame's head; a head has some 2,000. */
const LONGEST_HEAD = 1_000_000

/** @returns what to write, in order; the arrays are not copied */
export function encodeFrame({ head, arrays }: Frame): Uint8Array[] {
  const named = arrays.map(array => [nameOf(array), array.length])
  return [
    Buffer.from(`${JSON.stringify({ ...head, arrays: named })}\n`),
    ...arrays.map(array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)),
  ]
}

/**
 * Takes bytes as they come, in chunks cut anywhere.
 * @throws Error for a line that is no head; no more can be read then
 */
export function frameReader(onFrame: (frame: Frame) => void): (chunk: Uint8Array) => void {
  let line: Uint8Array[] = []
  let frame: { readonly frame: Frame; readonly room: readonly Uint8Array[] } | undefined
  let place = 0 // which array
  let filled = 0 // bytes of it
  const finish = () => {
    while (frame && filled === (frame.room[place]?.length ?? 0)) {
      filled = 0
      if (++place < frame.room.length) continue
      const whole = frame.frame
      frame = undefined
      onFrame(whole)
    }
  }
  return chunk => {
    let rest = chunk
    while (rest.length > 0) {
      if (frame) {
        const room = frame.room[place]!
        const part = rest.subarray(0, room.length - filled)
        room.set(part, filled)
        filled += part.length
        rest = rest.subarray(part.length)
      } else {
        const end = rest.indexOf(NEWLINE)
        line.push(end < 0 ? rest : rest.subarray(0, end))
        rest = end < 0 ? new Uint8Array(0) : rest.subarray(end + 1)
        if (end < 0) {
          if (line.reduce((sum, part) => sum + part.length, 0) > LONGEST_HEAD) throw noFrame(line)
          return
        }
        frame = parseHead(line)
        line = []
        place = 0
        filled = 0
      }
      finish()
    }
  }
}

function parseHead(line: readonly Uint8Array[]) {
  try {
    const head = JSON.parse(Buffer.concat(line).toString()) as Record<string, unknown>
    const arrays = (head['arrays'] as [keyof typeof TYPES, number][]).map(
      ([name, length]) => new TYPES[name](length),
    )
    return { frame: { head, arrays }, room: arrays.map(array => new Uint8Array(array.buffer)) }
  } catch {
    throw noFrame(line)
  }
}

function noFrame(line: readonly Uint8Array[]): Error {
  const text = Buffer.concat(line).toString('utf8', 0, 80)
  return new Error(`${JSON.stringify(text)} is no frame of torch/frames.py`)
}

function nameOf(array: FrameArray): keyof typeof TYPES {
  if (array instanceof Float32Array) return 'f4'
  return array instanceof Float64Array ? 'f8' : 'i4'
}
