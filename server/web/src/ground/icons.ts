/**
 * Pictures that the map draws with: one sign for each light, and rings for clusters. Drawn on a canvas
 * when first asked for, so no sprite is fetched.
 *
 * A light is told by shape as well as colour: circle in time, diamond due soon, triangle overdue,
 * hollow circle without a deadline, small dot closed.
 */

export const LIGHT_COLOURS = {
  green: "#1f7a4d",
  yellow: "#e0a100",
  red: "#c42b1c",
  none: "#56636f",
  closed: "#8a949c",
} as const;

export type Sign = keyof typeof LIGHT_COLOURS;

export function signOf(issue: { light: string; closed_at: string | null }): Sign {
  if (issue.closed_at !== null) return "closed";
  return issue.light in LIGHT_COLOURS ? (issue.light as Sign) : "none";
}

const RATIO = 2;
const EIGHTHS = 8;

/** Name of the ring for a cluster; shares are in eighths, so few pictures serve all clusters. */
export function ringName(count: number, red: number, yellow: number, green: number): string {
  const eighths = (part: number): number => (part === 0 ? 0 : Math.max(1, Math.round((part / count) * EIGHTHS)));
  return `ring-${ringSize(count)}-${eighths(red)}-${eighths(yellow)}-${eighths(green)}`;
}

/** Diameter in CSS pixels. */
export function ringSize(count: number): number {
  if (count < 10) return 30;
  if (count < 100) return 36;
  return count < 1000 ? 44 : 52;
}

/** Draw the picture with this name, or null if it is none of ours. */
export function draw(name: string): ImageData | null {
  const [kind, ...rest] = name.split("-");
  if (kind === "sign") return drawSign(rest[0] as Sign, rest[1] === "doubtful");
  if (kind === "ring") return drawRing(...(rest.map(Number) as [number, number, number, number]));
  return null;
}

function canvas(size: number): CanvasRenderingContext2D {
  const element = document.createElement("canvas");
  element.width = element.height = size * RATIO;
  const context = element.getContext("2d");
  if (context === null) throw new Error("no 2d canvas");
  context.scale(RATIO, RATIO);
  return context;
}

function finish(context: CanvasRenderingContext2D): ImageData {
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

function drawSign(sign: Sign, doubtful: boolean): ImageData {
  const size = 26;
  const context = canvas(size);
  const middle = size / 2;
  if (doubtful) {
    context.beginPath();
    context.arc(middle, middle, 11.5, 0, 2 * Math.PI);
    context.setLineDash([2.5, 2.5]);
    context.lineWidth = 1.5;
    context.strokeStyle = "#1d2a33";
    context.stroke();
    context.setLineDash([]);
  }
  context.beginPath();
  outline(context, sign, middle);
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.fillStyle = sign === "none" ? "#ffffff" : LIGHT_COLOURS[sign];
  context.strokeStyle = sign === "none" ? LIGHT_COLOURS.none : "#ffffff";
  context.fill();
  context.stroke();
  return finish(context);
}

function outline(context: CanvasRenderingContext2D, sign: Sign, middle: number): void {
  if (sign === "red") polygon(context, middle, middle + 1, 9, 3, -Math.PI / 2);
  else if (sign === "yellow") polygon(context, middle, middle, 8, 4, 0);
  else context.arc(middle, middle, sign === "closed" ? 4.5 : 6.5, 0, 2 * Math.PI);
}

function polygon(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  corners: number,
  from: number,
): void {
  for (let corner = 0; corner < corners; corner += 1) {
    const angle = from + (corner * 2 * Math.PI) / corners;
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  context.closePath();
}

function drawRing(size: number, red: number, yellow: number, green: number): ImageData {
  const context = canvas(size);
  const middle = size / 2;
  const width = 4;
  const radius = middle - width / 2 - 1;
  context.beginPath();
  context.arc(middle, middle, middle - 1, 0, 2 * Math.PI);
  context.fillStyle = "#ffffff";
  context.fill();
  const total = Math.max(EIGHTHS, red + yellow + green);
  let from = -Math.PI / 2;
  const parts: [number, string][] = [
    [red, LIGHT_COLOURS.red],
    [yellow, LIGHT_COLOURS.yellow],
    [green, LIGHT_COLOURS.green],
    [total - red - yellow - green, "#aab3b8"],
  ];
  for (const [eighths, colour] of parts) {
    if (eighths === 0) continue;
    const to = from + (eighths / total) * 2 * Math.PI;
    context.beginPath();
    context.arc(middle, middle, radius, from, to);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
    from = to;
  }
  return finish(context);
}

export const PIXEL_RATIO = RATIO;
