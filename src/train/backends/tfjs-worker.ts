import { serveTrainer } from './serve-trainer.js'
import { openTf, type TfjsKind } from './tfjs-load.js'
import { newTfjsTrainer } from './tfjs-train.js'

serveTrainer(async (options, start, kind) =>
  newTfjsTrainer(await openTf(kind as TfjsKind), options, start),
)
