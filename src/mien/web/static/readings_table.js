// The readings of this browser's camera, kept for the CSV file; numbers only.

const KEPT_S = 3600;

export class ReadingsTable {
  #columns;
  #decimals;
  #rows = []; // [at_s, cells]

  /** @param config columns and decimals of the table */
  constructor({ columns, decimals }) {
    this.#columns = columns;
    this.#decimals = decimals;
  }

  get length() {
    return this.#rows.length;
  }

  add(reading) {
    const atS = Date.parse(reading.at) / 1000;
    for (const face of reading.faces) this.#rows.push([atS, this.#columns.map((name) => cell(reading, face, name))]);
    // Cutting costs, so only now and then.
    if (this.#rows.length && this.#rows[0][0] < atS - 1.1 * KEPT_S) {
      this.#rows = this.#rows.filter(([thenS]) => thenS >= atS - KEPT_S);
    }
  }

  clear() {
    this.#rows = [];
  }

  /** The table as `mien analyze` writes it: a header, empty cells for what is not known. */
  csv() {
    const lines = this.#rows.map(([, cells]) => cells.map((value, place) => this.#written(value, this.#columns[place])).join(","));
    return [this.#columns.join(","), ...lines, ""].join("\n");
  }

  #written(value, column) {
    if (value === null || value === undefined) return "";
    if (column in this.#decimals) return value.toFixed(this.#decimals[column]);
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
}

function cell(reading, face, name) {
  if (name.startsWith("p_")) return face.probabilities[name.slice(2)];
  return name in face ? face[name] : reading[name];
}
