/** The colours of the map's own drawing, by day and in the dark. Pure. */
export type Scheme = "light" | "dark";

export interface Palette {
  ground: string;
  notInCharge: string;
  line: string;
  border: string;
  chosen: string;
  label: string;
  above: string;
  halo: string;
}

export const PALETTES: Record<Scheme, Palette> = {
  light: {
    ground: "#eceeea", notInCharge: "#e4e6e3", line: "#7b8b92", border: "#2f4451", chosen: "#0b3a47", label: "#1d2a33",
    above: "#0b3a47", halo: "rgba(255,255,255,0.92)",
  },
  dark: {
    ground: "#0f161a", notInCharge: "#20292e", line: "#5d6f78", border: "#9fb4be", chosen: "#d8f1f8", label: "#e6edf0",
    above: "#c4e6ef", halo: "rgba(15,22,26,0.92)",
  },
};
