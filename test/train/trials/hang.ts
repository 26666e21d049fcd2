// Starts a process of its own, tells of it, then computes for ever.
import { spawn } from 'node:child_process'

const helper = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
process.send!({ type: 'library', library: String(helper.pid) })
setTimeout(() => {
  for (;;);
}, 50)
