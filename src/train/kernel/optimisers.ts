// One pass over weights, moments and gradient each. Everything that depends on the step alone is
// computed in float64 outside and passed in: 1 - 0.999 in float32 would cost 1e-5.

export function sgd(w: usize, g: usize, n: i32, rate: f32): void {
  const r = f32x4.splat(rate)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16)
    v128.store(w + i, f32x4.sub(v128.load(w + i), f32x4.mul(r, v128.load(g + i))))
}

/** @param rate lr · sqrt(1 − b2^t) / (1 − b1^t); @param a 1 − b1; @param b 1 − b2 */
export function adam(
  w: usize,
  m: usize,
  v: usize,
  g: usize,
  n: i32,
  rate: f32,
  a: f32,
  b: f32,
  epsilon: f32,
): void {
  const r = f32x4.splat(rate)
  const a4 = f32x4.splat(a)
  const b4 = f32x4.splat(b)
  const e = f32x4.splat(epsilon)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const grad = v128.load(g + i)
    let m4 = v128.load(m + i)
    let v4 = v128.load(v + i)
    m4 = f32x4.add(m4, f32x4.mul(f32x4.sub(grad, m4), a4))
    v4 = f32x4.add(v4, f32x4.mul(f32x4.sub(f32x4.mul(grad, grad), v4), b4))
    v128.store(m + i, m4)
    v128.store(v + i, v4)
    const step = f32x4.div(f32x4.mul(m4, r), f32x4.add(f32x4.sqrt(v4), e))
    v128.store(w + i, f32x4.sub(v128.load(w + i), step))
  }
}

/** @param a 1 − rho */
export function rmsprop(
  w: usize,
  v: usize,
  g: usize,
  n: i32,
  rate: f32,
  rho: f32,
  a: f32,
  epsilon: f32,
): void {
  const r = f32x4.splat(rate)
  const rho4 = f32x4.splat(rho)
  const a4 = f32x4.splat(a)
  const e = f32x4.splat(epsilon)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const grad = v128.load(g + i)
    const v4 = f32x4.add(f32x4.mul(rho4, v128.load(v + i)), f32x4.mul(a4, f32x4.mul(grad, grad)))
    v128.store(v + i, v4)
    const step = f32x4.div(f32x4.mul(r, grad), f32x4.sqrt(f32x4.add(v4, e)))
    v128.store(w + i, f32x4.sub(v128.load(w + i), step))
  }
}

export function adagrad(w: usize, s: usize, g: usize, n: i32, rate: f32, epsilon: f32): void {
  const r = f32x4.splat(rate)
  const e = f32x4.splat(epsilon)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const grad = v128.load(g + i)
    const s4 = f32x4.add(v128.load(s + i), f32x4.mul(grad, grad))
    v128.store(s + i, s4)
    const step = f32x4.div(f32x4.mul(r, grad), f32x4.sqrt(f32x4.add(s4, e)))
    v128.store(w + i, f32x4.sub(v128.load(w + i), step))
  }
}

/** @param s running mean of gradient²; @param d of delta²; @param a 1 − rho */
export function adadelta(
  w: usize,
  s: usize,
  d: usize,
  g: usize,
  n: i32,
  rate: f32,
  rho: f32,
  a: f32,
  epsilon: f32,
): void {
  const r = f32x4.splat(rate)
  const rho4 = f32x4.splat(rho)
  const a4 = f32x4.splat(a)
  const e = f32x4.splat(epsilon)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const grad = v128.load(g + i)
    const s4 = f32x4.add(f32x4.mul(rho4, v128.load(s + i)), f32x4.mul(a4, f32x4.mul(grad, grad)))
    v128.store(s + i, s4)
    const d4 = v128.load(d + i)
    const delta = f32x4.div(
      f32x4.mul(f32x4.sqrt(f32x4.add(d4, e)), grad),
      f32x4.sqrt(f32x4.add(s4, e)),
    )
    v128.store(d + i, f32x4.add(f32x4.mul(rho4, d4), f32x4.mul(a4, f32x4.mul(delta, delta))))
    v128.store(w + i, f32x4.sub(v128.load(w + i), f32x4.mul(r, delta)))
  }
}

/** @param rate lr / (1 − b1^t); @param a 1 − b1 */
export function adamax(
  w: usize,
  m: usize,
  u: usize,
  g: usize,
  n: i32,
  rate: f32,
  a: f32,
  b2: f32,
  epsilon: f32,
): void {
  const r = f32x4.splat(rate)
  const a4 = f32x4.splat(a)
  const b4 = f32x4.splat(b2)
  const e = f32x4.splat(epsilon)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const grad = v128.load(g + i)
    let m4 = v128.load(m + i)
    m4 = f32x4.add(m4, f32x4.mul(f32x4.sub(grad, m4), a4))
    const u4 = f32x4.max(f32x4.mul(b4, v128.load(u + i)), f32x4.abs(grad))
    v128.store(m + i, m4)
    v128.store(u + i, u4)
    const step = f32x4.div(f32x4.mul(r, m4), f32x4.add(u4, e))
    v128.store(w + i, f32x4.sub(v128.load(w + i), step))
  }
}

/** @param cm factor of m; @param cg factor of the gradient; @param cv 1 / (1 − b2^t) */
export function nadam(
  w: usize,
  m: usize,
  v: usize,
  g: usize,
  n: i32,
  rate: f32,
  a: f32,
  b: f32,
  cm: f32,
  cg: f32,
  cv: f32,
  epsilon: f32,
): void {
  const r = f32x4.splat(rate)
  const a4 = f32x4.splat(a)
  const b4 = f32x4.splat(b)
  const cm4 = f32x4.splat(cm)
  const cg4 = f32x4.splat(cg)
  const cv4 = f32x4.splat(cv)
  const e = f32x4.splat(epsilon)
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 16) {
    const grad = v128.load(g + i)
    let m4 = v128.load(m + i)
    let v4 = v128.load(v + i)
    m4 = f32x4.add(m4, f32x4.mul(f32x4.sub(grad, m4), a4))
    v4 = f32x4.add(v4, f32x4.mul(f32x4.sub(f32x4.mul(grad, grad), v4), b4))
    v128.store(m + i, m4)
    v128.store(v + i, v4)
    const mean = f32x4.add(f32x4.mul(cm4, m4), f32x4.mul(cg4, grad))
    const step = f32x4.div(f32x4.mul(mean, r), f32x4.add(f32x4.sqrt(f32x4.mul(cv4, v4)), e))
    v128.store(w + i, f32x4.sub(v128.load(w + i), step))
  }
}
