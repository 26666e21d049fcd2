/** A string column as codes into a dictionary, in order of first appearance. */
export interface Categories {
  /** Distinct values in order of first appearance. */
  readonly values: readonly string[]
  /** Row → place in `values`, length n. */
  readonly codes: Int32Array
}
