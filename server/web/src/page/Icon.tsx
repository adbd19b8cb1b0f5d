/** The few line drawings that the pages use, inline so that nothing is fetched. Always beside words. */
const PATHS = {
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm5 12 4 4",
  close: "M6 6l12 12M18 6 6 18",
  chevron: "m6 9 6 6 6-6",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  home: "M4 11.500 12 5l8 6.500M6.500 10v9h11v-9",
  menu: "M4 7h16M4 12h16M4 17h16",
  check: "m5 12.500 4.500 4.500L19 7.500",
  phone: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Zm3 15h2",
  map: "M9 4 4 6v14l5-2 6 2 5-2V4l-5 2-6-2Zm0 0v14m6-12v14",
  layers: "m12 4 8 4.500-8 4.500-8-4.500L12 4Zm-8 9 8 4.500 8-4.500",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
  pin: "M12 21s7-6.300 7-11.500a7 7 0 1 0-14 0C5 14.700 12 21 12 21Zm0-9a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5Z",
} as const;

export function Icon({ name, size = 18 }: { name: keyof typeof PATHS; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
