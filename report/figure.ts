import { add, button, el } from './dom.js'

/** Charts in print are as wide as a page of A4 or Letter, or half of it. */
const PRINTED = 680
const PRINTED_HALF = 330
/** Narrower than this a chart scrolls instead. */
const NARROWEST = 280

export interface FigureSpec {
  readonly title: string
  /** What it shows, for those who cannot see it. */
  readonly label: () => string
  readonly draw: (width: number) => SVGSVGElement | HTMLElement
  /** Says what is drawn and nothing else: asked again with each drawing. */
  readonly caption?: () => string
  readonly controls?: readonly Node[]
  /** The numbers behind it. */
  readonly table?: Table
  /** Widest useful drawing, in pixels. */
  readonly most?: number
}

export interface Table {
  readonly name: string
  readonly columns: readonly string[]
  /** Read when it is opened: it may be long. */
  readonly rows: () => readonly (readonly (string | number | Choose)[])[]
}

/** A cell of a table that opens something. */
export interface Choose {
  readonly text: string
  readonly choose: () => void
}

export interface Figure {
  readonly node: HTMLElement
  readonly draw: () => void
}

const drawn: { readonly place: Element; readonly draw: (width?: number) => void }[] = []

export function figure(spec: FigureSpec): Figure {
  const place = el('div', { class: 'plot' })
  const node = el('figure', {}, el('figcaption', {}, el('h3', {}, spec.title)))
  if (spec.controls) node.append(el('div', { class: 'controls' }, ...spec.controls))
  node.append(place)
  const caption = el('p', { class: 'caption' })
  if (spec.caption) node.append(caption)
  if (spec.table) node.append(tableOf(spec.table))
  let width = 0
  const draw = (wanted = width) => {
    if (wanted <= 0) return
    const picture = spec.draw(Math.max(NARROWEST, Math.min(wanted, spec.most ?? 1200)))
    const svg =
      picture instanceof SVGSVGElement ? picture : [...picture.querySelectorAll('svg')].at(-1)
    // one picture with one text: what Plot says of each mark is for nobody
    for (const mark of svg?.querySelectorAll('[aria-label]') ?? []) {
      mark.setAttribute('data-mark', mark.getAttribute('aria-label')!)
      mark.removeAttribute('aria-label')
    }
    for (const swatch of picture.querySelectorAll('svg')) swatch.setAttribute('aria-hidden', 'true')
    svg?.removeAttribute('aria-hidden')
    svg?.setAttribute('role', 'img')
    svg?.setAttribute('aria-label', spec.label())
    place.replaceChildren(picture)
    caption.textContent = spec.caption?.() ?? ''
  }
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry!.contentRect.width)
    if (now === width || matchMedia('print').matches) return
    width = now
    draw()
  }).observe(place)
  drawn.push({ place, draw })
  return { node, draw: () => draw() }
}

/** Charts as wide as paper while it is printed. */
export function drawForPrint(): void {
  addEventListener('beforeprint', () => {
    for (const { place, draw } of drawn) draw(place.closest('.columns') ? PRINTED_HALF : PRINTED)
  })
  addEventListener('afterprint', () => {
    for (const { draw } of drawn) draw()
  })
}

/** Rows at first; the rest by a button. */
const ROWS = 100

function tableOf({ name, columns, rows }: Table): HTMLElement {
  const details = el('details', { class: 'table' }, el('summary', {}, `Table: ${name}`))
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) fill()
  })
  return details

  function fill() {
    const all = rows()
    const body = el('tbody')
    const head = el('tr', {}, ...columns.map(c => el('th', { scope: 'col' }, c)))
    const table = el('table', {}, el('thead', {}, head), body)
    const scroll = { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Table: ${name}` }
    let shown = 0
    const more = button('', () => show(all.length))
    const show = (until: number) => {
      for (; shown < Math.min(until, all.length); shown++) body.append(rowOf(all[shown]!))
      more.textContent = `Show all ${all.length} rows`
      more.hidden = shown >= all.length
    }
    show(ROWS)
    const save = button('Save as CSV', () => saveCsv(name, [columns, ...all]))
    add(details, [el('div', scroll, table), el('p', { class: 'controls' }, more, save)])
  }
}

export function rowOf(cells: readonly (string | number | Choose)[]): HTMLTableRowElement {
  return el(
    'tr',
    {},
    ...cells.map((cell, c) => {
      const child =
        typeof cell === 'object' ? button(cell.text, cell.choose, { class: 'link' }) : cell
      return c === 0 ? el('th', { scope: 'row' }, child) : el('td', {}, child)
    }),
  )
}

function saveCsv(name: string, rows: readonly (readonly (string | number | Choose)[])[]): void {
  const field = (cell: string | number | Choose) => {
    const text = String(typeof cell === 'object' ? cell.text : cell).replace('−', '-')
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const text = rows.map(row => `${row.map(field).join(',')}\n`).join('')
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  el('a', { href: url, download: `${name.replace(/\W+/g, '-').toLowerCase()}.csv` }).click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
