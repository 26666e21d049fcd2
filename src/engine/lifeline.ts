import { Socket } from 'node:net'
import { lineSplitter } from '../base/lines.js'

/**
 * A pipe from the process that started us, on descriptor 3. When it closes, whoever it was is dead,
 * and we must not outlive it: nobody is left behind after a SIGKILL of the parent.
 *
 * @param onEnd clean up in no time; SIGKILL to ourselves follows
 */
export function holdLifeline(onEnd: () => void, onLine: (line: string) => void): void {
  const pipe = new Socket({ fd: 3, readable: true, writable: false })
  const end = () => {
    onEnd()
    process.kill(process.pid, 'SIGKILL')
  }
  pipe.on('close', end)
  pipe.on('error', end)
  pipe.on('data', lineSplitter(onLine))
  pipe.unref()
}
