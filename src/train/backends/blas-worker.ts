import type { LibraryName } from './blas-library.js'
import { newBlasTrainer } from './blas-train.js'
import { serveTrainer } from './serve-trainer.js'

serveTrainer((options, start, kind) => newBlasTrainer(options, start, kind as LibraryName))
