/** Elements are made here alone, and every text goes in as text: a drug's name may look like markup. */
type Child = Node | string | number | null | undefined

type Attributes = Readonly<Record<string, string | number | boolean | undefined>> & {
  readonly onclick?: never
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false)
      node.setAttribute(name, value === true ? '' : String(value))
  add(node, children)
  return node
}

export function add(node: Element, children: readonly Child[]): void {
  for (const child of children)
    if (child !== null && child !== undefined)
      node.append(typeof child === 'number' ? String(child) : child)
}

export function button(text: string, onClick: () => void, attributes: Attributes = {}) {
  const node = el('button', { type: 'button', ...attributes }, text)
  node.addEventListener('click', onClick)
  return node
}

/** A labelled choice. */
export function choice<T extends string>(
  label: string,
  options: readonly (readonly [value: T, text: string])[],
  chosen: T,
  onChange: (value: T) => void,
): HTMLLabelElement {
  const select = el('select')
  for (const [value, text] of options)
    select.append(el('option', { value, selected: value === chosen }, text))
  select.addEventListener('change', () => onChange(select.value as T))
  return el('label', { class: 'choice' }, `${label} `, select)
}

let ids = 0

export function newId(what: string): string {
  return `${what}-${++ids}`
}

/** @param title and, after a bar, how the list of sections calls it */
export function section(id: string, title: string, ...children: readonly Child[]): HTMLElement {
  const [long, short] = title.split('|')
  const heading = el('h2', { id: `${id}-title` }, long)
  const about = { id, 'aria-labelledby': `${id}-title`, 'data-short': short ?? long }
  return el('section', about, heading, ...children)
}

export function facts(pairs: readonly (readonly [name: string, value: Child])[]): HTMLElement {
  return el(
    'dl',
    { class: 'facts' },
    ...pairs.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
  )
}
