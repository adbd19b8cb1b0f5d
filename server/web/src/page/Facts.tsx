/** Facts under a heading: name and value pairs; a row without a value is left out. */
import type { ComponentChildren } from "preact";

export function Section({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <section class="section">
      <h3>{name}</h3>
      {children}
    </section>
  );
}

/** Name and value pairs; a row without a value is left out. */
export function Facts({ rows }: { rows: [string, ComponentChildren | null | undefined][] }) {
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
