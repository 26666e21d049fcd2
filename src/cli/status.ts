/** Exit status of the command that runs: yargs hands nothing back from a handler. */
let status = 0

export function setStatus(value: number): void {
  status = value
}

export function takeStatus(): number {
  return status
}
