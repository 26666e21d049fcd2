import { setTimeout as sleep } from 'node:timers/promises'
import { Reply } from 'zeromq'
import { codeOf } from '../base/errors.js'

/** Of the sockets that the gate judges. */
export const DOMAIN = 'upf-heds'
const GATE = 'inproc://zeromq.zap.01'

/** ZeroMQ Authentication Protocol: admits the one client key of this EXP. One gate a process. */
export async function openGate(clientKey: string): Promise<Reply> {
  const gate = new Reply({ linger: 0 })
  await bindPatiently(gate)
  void (async () => {
    for await (const [version, id, domain, , , mechanism, credentials] of gate) {
      const admitted =
        version?.toString() === '1.0' &&
        domain?.toString() === DOMAIN &&
        mechanism?.toString() === 'CURVE' &&
        credentials !== undefined &&
        z85(credentials) === clientKey
      const status = admitted ? ['200', 'OK'] : ['400', 'key not admitted']
      await gate.send(['1.0', id ?? '', ...status, '', ''])
    }
  })()
  return gate
}

/**
 * A closed gate's name is free when libzmq gets round to it. Unbinding it would free it at once, but aborts
 * the process where a handshake is just being judged (libzmq 4.3.5, pipe.cpp: 1 leader in 60 at its end).
 */
async function bindPatiently(gate: Reply): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await gate.bind(GATE)
      return
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || tries === 100) throw error
      await sleep(10)
    }
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

/** ZeroMQ's base-85 text of a 32-byte key. @see rfc.zeromq.org/spec/32 */
function z85(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    let value = bytes.readUInt32BE(at)
    let five = ''
    for (let i = 0; i < 5; i++) {
      five = Z85.charAt(value % 85) + five
      value = Math.floor(value / 85)
    }
    text += five
  }
  return text
}
