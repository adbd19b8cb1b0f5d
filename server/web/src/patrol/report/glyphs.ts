/** One line drawing for each first level of the catalogue; a level that has none shows a dot. */
const PATHS: Readonly<Record<string, string>> = {
  "01": "M6 8h12l-1 13H7L6 8Zm-1-3h14M10 5V3h4v2m-4 7v5m4-5v5",
  "02": "M3 17h18M5 17l1-8h12l1 8M8 9V5h8v4M8 13h8",
  "03": "M12 3v18m-5 0h10M12 5h6l2 3h-8M9 10h6",
  "04": "M5 21V4h14v17M9 8h2m2 0h2M9 12h2m2 0h2M9 16h2m2 0h2M3 21h18",
  "05": "M12 3c3 4 6 6 6 11a6 6 0 0 1-12 0c0-2 1-4 2-5 1 2 2 2 2 2 0-3 1-6 2-8Z",
  "06": "M4 5h10v8H8l-4 3V5Zm12 4h4v11l-4-3h-6v-2",
  "07": "M12 3 5 6v6c0 5 3 8 7 9 4-1 7-4 7-9V6l-7-3Z",
  "08": "M12 20S4 15 4 9a4 4 0 0 1 8-1 4 4 0 0 1 8 1c0 6-8 11-8 11Z",
  "09": "M5 20c0-9 5-14 15-15 0 10-5 14-12 14m-3 1 7-8",
  "10": "M9 18h6m-5 3h4M8 14a6 6 0 1 1 8 0c-1 1-1 2-1 3H9c0-1 0-2-1-3Z",
};

export function glyphOf(code: string): string {
  return PATHS[code.slice(0, 2)] ?? "M12 9a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z";
}
