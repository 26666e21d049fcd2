// WebAssembly SIMD kernel (AssemblyScript): dropout masks and optimisers over flat float32 arrays.
// Pointers are byte offsets into the imported memory, multiples of 16; lengths count float32 and are
// multiples of 4 (optimisers), 16 (random words) or 32 (masks). Formulas and defaults are Keras'.
export { dropoutMask, randomWords } from './philox'
export { adadelta, adagrad, adam, adamax, nadam, rmsprop, sgd } from './optimisers'
