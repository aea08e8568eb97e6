/** Tables for spreadsheets: RFC 4180, UTF-8 without a byte order mark. Pure. */

/** Text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP); numbers are written to be read back exactly. */
export function cell(value: string | number): string {
  if (typeof value === "number")
    return Number.isNaN(value) ? "NaN" : value === Infinity ? "Infinity" : value === -Infinity ? "-Infinity" : String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csv = (rows: Iterable<readonly (string | number)[]>): string => {
  let text = "";
  for (const row of rows) text += `${row.map(cell).join(",")}\r\n`;
  return text;
};

/** The shortest decimal that is the same float32. */
export function single(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}
