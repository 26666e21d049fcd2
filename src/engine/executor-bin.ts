import { executorMain } from './executor.js'

executorMain()
