// Says that it loads, then dies as in a native library.
process.send!({ type: 'loaded' })
console.error('a last word')
setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 50)
