import { newOrtTrainer } from './ort-train.js'
import { serveTrainer } from './serve-trainer.js'

serveTrainer(newOrtTrainer)
