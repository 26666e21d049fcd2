// WebAssembly SIMD kernel (AssemblyScript): dropout masks, layers and optimisers over float32 arrays.
// Pointers are byte offsets into the imported memory, multiples of 16; lengths count float32 and are
// multiples of 4 (optimisers), 16 (random words) or 32 (masks). Formulas and defaults are Keras'.
export { dropoutMask, keepBytes, randomWords } from './philox'
export {
  addBias,
  addRows,
  biasRelu,
  biasReluDrop,
  columnSums,
  gatherRows,
  reluSlope,
} from './layers'
export { adadelta, adagrad, adam, adamax, nadam, rmsprop, sgd } from './optimisers'
